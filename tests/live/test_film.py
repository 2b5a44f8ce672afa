"""Films of a session: true times, sound in step, whole at the end, and nothing replaced."""
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from live.controls import Controls
from live.film import Film, free, moved_to_free
from live.recorder import Recorder
from live.sinks import SINKS
from live.sinks.base import Sink
from tests.live.sinking import FIGURES, SIZE, Silent, frame, made, number_of
from tests.util.clips import beep, beeps, loud_from
from util.camera import FileCamera
from util.errors import UserError
from util.video import probe, read_frames

NO_PROCESS = 99_999_999     # more than any system counts to


def opened(path: Path, camera: object = None) -> Sink:
    sink = made('file', str(path), camera=camera)
    sink.open()
    return sink


def times(path: Path) -> list[float]:
    return [round(shown.time, 2) for shown in read_frames(str(path))]


def test_each_picture_is_in_the_film_once_at_the_time_of_its_capture(tmp_path: Path) -> None:
    sink = opened(tmp_path / 'out.mp4')
    sent = {7.0: (0, 6.9), 7.1: (0, 6.9), 7.2: (1, 7.0), 7.3: (1, 7.0), 7.4: (2, 7.3)}
    made_before = {}
    for now, (number, captured) in sent.items():
        shown = made_before.setdefault(number, frame(number, captured))
        sink.send(shown, now)
    sink.close()
    pictures = list(read_frames(str(tmp_path / 'out.mp4')))
    assert [number_of(shown.image) for shown in pictures] == [0, 1, 2]
    assert times(tmp_path / 'out.mp4') == [0.0, 0.1, 0.4]
    assert probe(str(tmp_path / 'out.mp4')).size == SIZE


def test_a_film_that_ends_frozen_lasts_as_long_as_the_session(tmp_path: Path) -> None:
    sink = opened(tmp_path / 'out.mp4')
    for number, now in enumerate((0.2, 0.3)):
        sink.send(frame(number, now - 0.2), now)
    still = frame(2, 0.2)
    for tick in range(31):
        sink.send(still, 0.4 + tick / 10)
    sink.close()
    assert times(tmp_path / 'out.mp4') == [0.0, 0.1, 0.2, 3.12, 3.16]
    with av.open(str(tmp_path / 'out.mp4')) as film:
        assert film.duration == pytest.approx(3.2e6, abs=1e4)           # microseconds


def test_a_film_that_begins_frozen_lasts_no_longer_than_it_was_recorded(tmp_path: Path) -> None:
    sink = opened(tmp_path / 'out.mp4')
    still = frame(0, 10.0)
    for tick in range(31):
        sink.send(still, 70 + tick / 10)
    sink.close()
    with av.open(str(tmp_path / 'out.mp4')) as film:
        assert film.duration < 9e6          # microseconds


def test_a_film_is_whole_where_its_last_picture_cannot_be_held(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Film, writer: object) -> None:
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(Film, '_hold', full)
    film = Film(tmp_path / 'out.mp4', Silent())
    film.add(frame(0, 0.0), 0.0)
    film.add(frame(1, 0.5), 0.5)
    with pytest.raises(OSError):
        film.close()
    assert times(film.making) == [0.0, 0.5]


def test_a_picture_that_is_shown_long_moves_no_later_one(tmp_path: Path) -> None:
    """The delay may shrink at once, after a picture that was repeated for seconds."""
    sink = opened(tmp_path / 'out.mp4')
    first = frame(0, 0.0)
    for tick in range(31):
        sink.send(first, 2 + tick / 10)
    sink.send(frame(1, 1.5), 5.1)
    sink.close()
    assert times(tmp_path / 'out.mp4') == [0.0, 1.5]


def test_the_sound_of_the_camera_is_in_step_from_wherever_the_film_begins(tmp_path: Path) -> None:
    class Beeping(Silent):
        """A file that was started at second 100 of the session's clock."""
        sound_from = str(beep(tmp_path / 'beep.mp4', seconds=3.0, at=1.5))

        def time_of(self, now: float) -> float:
            return now - 100

    sink = opened(tmp_path / 'out.mp4', Beeping())
    for tick in range(20):
        sink.send(frame(tick, 100.5 + tick / 10), 100.7 + tick / 10)     # 0.2 s late
    sink.close()
    assert abs(loud_from(tmp_path / 'out.mp4') - 1.0) < 0.03


@pytest.mark.parametrize('first, heard', [(100.2, 0.3), (99.8, 0.7), (98.8, 0.7)])
def test_the_sound_of_a_file_that_is_looped_begins_again_with_it(
        first: float, heard: float, tmp_path: Path) -> None:
    """Also where the first picture is painted only after the file began again."""
    camera = FileCamera(str(beep(tmp_path / 'beep.mp4', seconds=1.0, at=0.5)), loop=True)
    camera.begun = 99.0, 100.0          # seconds of the session's clock
    sink = opened(tmp_path / 'out.mp4', camera)
    for tick in range(28):
        sink.send(frame(tick, first + tick / 10), first + 0.3 + tick / 10)
    sink.close()
    begins = [begin for begin, _ in beeps(tmp_path / 'out.mp4')]
    assert begins == pytest.approx([heard, heard + 1, heard + 2], abs=0.05)


def test_a_camera_without_sound_gives_a_silent_film(tmp_path: Path) -> None:
    sink = opened(tmp_path / 'out.mp4')
    sink.send(frame(0), 0.0)
    sink.close()
    assert not probe(str(tmp_path / 'out.mp4')).sound


def test_a_film_whose_session_was_killed_at_its_very_end_has_no_second_name(tmp_path: Path) -> None:
    """Killed once the film is in its place, before its name in the making is gone."""
    whole = tmp_path / 'out.mp4'
    whole.write_bytes(b'a film')
    dead, *others = [tmp_path / f'.{name}.part{NO_PROCESS}.mp4' for name in ('out', 'another')]
    for part in (dead, *others):
        part.hardlink_to(whole)
    with pytest.raises(UserError, match='is there already'):
        SINKS.find('file').check(str(whole))
    assert whole.read_bytes() == b'a film'
    assert not dead.exists() and all(part.exists() for part in others)


def test_a_recording_replaces_nothing(tmp_path: Path) -> None:
    mine = tmp_path / 'out.mp4'
    mine.write_bytes(b'mine')
    with pytest.raises(UserError, match='out.mp4: is there already, and a recording replaces'):
        SINKS.find('file').check(str(mine))
    sink = opened(mine)                 # it came after the check
    sink.send(frame(0), 0.0)
    sink.close()
    assert mine.read_bytes() == b'mine'
    assert probe(str(tmp_path / 'out-2.mp4')).size == SIZE
    assert sorted(path.name for path in tmp_path.iterdir()) == ['out-2.mp4', 'out.mp4']


@pytest.mark.parametrize('argument, said', [
    ('', 'Give --to out.mp4'), ('out.avi', 'Give --to out.mp4'), ('.', 'Give --to out.mp4'),
    ('film.mp4', 'is a folder. Give --to .*film.mp4.out.mp4'),
    ('a.txt/out.mp4', 'is not a folder')])
def test_a_place_where_no_film_can_be_is_refused(
        argument: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'film.mp4').mkdir()
    (tmp_path / 'a.txt').touch()
    with pytest.raises(UserError, match=said):
        SINKS.find('file').check(argument)


def test_a_film_ends_whole_before_the_disk_is_full(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = opened(tmp_path / 'out.mp4')
    for tick in range(4):
        sink.send(frame(tick, float(tick)), float(tick))
    monkeypatch.setattr('live.film.ROOM', float('inf'))
    with pytest.raises(UserError, match='the disk is nearly full, so the film ends at 0:04'):
        sink.send(frame(4, 4.0), 4.0)
    sink.close()
    assert times(tmp_path / 'out.mp4') == [0.0, 1.0, 2.0, 3.0]


def test_a_file_that_comes_as_a_film_ends_is_not_replaced(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, place = tmp_path / 'made.mp4', tmp_path / 'out.mp4'
    made.write_text('ours')

    def free_then_taken(path: Path) -> Path:
        monkeypatch.setattr('live.film.free', free)
        path.write_text('theirs')
        return path
    monkeypatch.setattr('live.film.free', free_then_taken)
    assert moved_to_free(made, place) == tmp_path / 'out-2.mp4'
    assert (place.read_text(), (tmp_path / 'out-2.mp4').read_text()) == ('theirs', 'ours')
    assert not made.exists()


def test_without_a_picture_there_is_no_film_and_a_warning_says_so(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened(tmp_path / 'out.mp4').close()
    assert not list(tmp_path.iterdir())
    assert 'out.mp4: there is no film, as no picture was painted' in capsys.readouterr().err


def left_behind(folder: Path, process: int, name: str) -> list[Path]:
    """What a session leaves that is killed while it records that film, or while it ends it."""
    made = folder / f'.{name}.part{process}.mp4'
    parts = [made, folder / f'.{made.stem}.part{process}.mp4']
    for part in parts:
        part.write_bytes(b'half')
    return parts


def test_what_a_killed_session_left_of_a_film_is_removed_by_the_next(tmp_path: Path) -> None:
    dead = left_behind(tmp_path, NO_PROCESS, 'out')
    others = left_behind(tmp_path, NO_PROCESS, 'another') + left_behind(tmp_path, 1, 'out')
    sink = opened(tmp_path / 'out.mp4')
    sink.send(frame(0), 0.0)
    sink.close()
    assert not any(part.exists() for part in dead)
    assert all(part.exists() for part in others)


# The keys r and s

def recorder(folder: Path, controls: Controls) -> Recorder:
    return Recorder(str(folder), SIZE, 10.0, controls, lambda: FIGURES, Silent())


def in_order(folder: Path) -> list[Path]:
    """What was saved, the oldest first; of one second, the name with a number is the later one."""
    return sorted(folder.iterdir(), key=lambda path: (path.stat().st_mtime_ns, len(path.name)))


def test_the_key_r_records_from_one_press_to_the_next(tmp_path: Path) -> None:
    controls = Controls()
    keep = recorder(tmp_path / 'live', controls)
    for number in range(9):
        if number in (2, 5, 7):
            controls.press('r')
        keep.send(frame(number), number / 10)
    keep.close()
    films = in_order(tmp_path / 'live')
    numbers = [[number_of(shown.image) for shown in read_frames(str(film))] for film in films]
    assert numbers == [[2, 3, 4], [7, 8]]


def test_what_killed_sessions_recorded_is_removed_by_the_next_recording(tmp_path: Path) -> None:
    dead = left_behind(tmp_path, NO_PROCESS, '2026-01-01_00-00-00')
    alive = left_behind(tmp_path, 1, '2026-01-01_00-00-01')
    controls = Controls()
    keep = recorder(tmp_path, controls)
    controls.press('r')
    keep.send(frame(0), 0.0)
    keep.close()
    assert not any(part.exists() for part in dead)
    assert all(part.exists() for part in alive)


def test_the_key_s_saves_the_picture_as_it_is(tmp_path: Path) -> None:
    controls = Controls()
    keep = recorder(tmp_path / 'live', controls)
    keep.send(frame(0), 0.0)
    assert not (tmp_path / 'live').exists()
    for number in (3, 4):
        controls.press('s')
        keep.send(frame(number), 0.1)
    keep.send(frame(5), 0.2)
    pictures = [cv2.imread(str(path)) for path in in_order(tmp_path / 'live')]
    assert [number_of(picture) for picture in pictures] == [3, 4]
    assert np.array_equal(pictures[0], frame(3).picture)


def test_what_cannot_be_recorded_costs_a_warning_and_ends_nothing(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'live').touch()         # no folder can be there
    controls = Controls()
    keep = recorder(tmp_path / 'live', controls)
    for key in 'sr':
        controls.press(key)
        keep.send(frame(0), 0.0)
        assert 'warning: ' in capsys.readouterr().err
    assert not controls.recording
    keep.send(frame(1), 0.1)
    keep.close()
