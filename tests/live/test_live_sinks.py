"""What every sink of --to promises, whatever it shows pictures on."""
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from live import sinks
from live.controls import Controls
from live.sinks import SINKS, chosen, default_place
from live.sinks.base import Sink
from tests.live.sinking import Loopback, Screen, frame, free_port, made
from util.errors import UserError


@pytest.fixture(params=SINKS.names())
def sink(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sink:
    """Each sink, on a machine that has what it needs."""
    Screen(monkeypatch)
    monkeypatch.setattr('live.sinks.virtual.has_pyvirtualcam', lambda: False)
    Loopback(tmp_path, monkeypatch)
    arguments = {'file': str(tmp_path / 'out.mp4'), 'http': str(free_port())}
    return made(request.param, arguments.get(request.param, ''))


def test_every_sink_takes_pictures_and_repeats_of_them(sink: Sink) -> None:
    sink.open()
    for tick in range(6):
        sink.send(frame(tick // 2), tick / 10)
    sink.close()


def test_every_sink_closes_where_nothing_was_sent(sink: Sink) -> None:
    sink.open()
    sink.close()


def test_every_sink_closes_where_it_was_never_opened(sink: Sink) -> None:
    sink.close()


@pytest.mark.parametrize('name', SINKS.names())
def test_every_sink_is_named_by_its_file_and_described(name: str) -> None:
    kind = SINKS.find(name)
    assert name == kind.NAME
    assert kind.DESCRIPTION and kind.DESCRIPTION in sinks.described()


@pytest.mark.parametrize('name', [name for name in SINKS.names() if not SINKS.find(name).TAKES])
def test_a_sink_that_takes_nothing_refuses_an_argument(name: str) -> None:
    with pytest.raises(UserError, match='takes nothing behind a colon'):
        SINKS.find(name).check('what')


def test_describing_the_sinks_loads_nothing_heavy() -> None:
    heavy = 'numpy cv2 tornado av torch pyvirtualcam dominate'
    script = (f'import sys; from live.sinks import described; described(); '
              f'print([name for name in "{heavy}".split() if name in sys.modules])')
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True,
                          check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == '[]'


@pytest.mark.parametrize('text, name, argument', [
    ('window', 'window', ''), ('http', 'http', ''), ('http:8123', 'http', '8123'),
    ('out.mp4', 'file', 'out.mp4'), ('film/OUT.MP4', 'file', 'film/OUT.MP4'),
    ('file:out.mp4', 'file', 'out.mp4'), (r'C:\out.mp4', 'file', r'C:\out.mp4'),
    ('virtual:/dev/video7', 'virtual', '/dev/video7'), ('null', 'null', '')])
def test_a_place_is_a_sink_and_its_argument(text: str, name: str, argument: str) -> None:
    found, = chosen([text, text])
    assert (found.title, found.name, found.argument) == (text, name, argument)


def test_an_unknown_place_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match='--to windw: no such choice. Did you mean window?'):
        chosen(['windw'])
    with pytest.raises(UserError, match=r'--to out.avi: .* Give --to out.mp4'):
        chosen(['out.avi'])


# The window

def test_the_window_mirrors_the_preview_and_not_the_picture(
        monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch)
    controls = Controls()
    sink = made('window', controls=controls)
    sink.open()
    sent = frame(1)
    sent.picture[:, :32] = 250, 20, 30
    before = sent.picture.copy()
    sink.send(sent, 0.0)
    controls.press('f')
    sink.send(sent, 0.1)
    plain, mirrored = screen.shown
    assert plain.shape == (720, 480, 3), 'as large as is seen from some steps away'
    assert (plain[:, 10] == (250, 20, 30)).all() and (plain[:, -10] == 18).all()
    assert (mirrored == plain[:, ::-1]).all()
    assert (sent.picture == before).all()


def test_the_window_presses_keys_and_tells_the_rate_in_its_title(
        monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch)
    controls = Controls()
    sink = made('window', controls=controls)
    sink.open()
    screen.keys = ['r', 's', ' ']
    for tick in range(4):
        sink.send(frame(tick), 5 + tick)
    assert controls.recording and controls.frozen and controls.take('snapshot')
    assert screen.titles[-1] == 'body2body · 13 pictures a second · 121 ms · recording'


def test_closing_the_window_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch)
    controls = Controls()
    sink = made('window', controls=controls)
    sink.open()
    sink.send(frame(0), 0.0)
    assert not controls.ended
    screen.is_open = False
    sink.send(frame(1), 0.1)
    assert controls.ended


def test_without_a_display_the_window_is_refused_and_names_http(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, 'platform', 'linux')
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    with pytest.raises(UserError, match='--to window: there is no display here. Give --to http'):
        SINKS.find('window').check('')
    assert default_place() == 'http'
    assert 'there is no display here, so the picture goes to a web page (--to http).' \
        in capsys.readouterr().err


def test_a_display_that_does_not_answer_ends_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'platform', 'linux')
    monkeypatch.setenv('DISPLAY', ':977')
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    with pytest.raises(UserError, match='the display cannot be opened'):
        SINKS.find('window').check('')


def test_an_opencv_without_windows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('cv2.currentUIFramework', lambda: '')
    with pytest.raises(UserError, match='opencv-python-headless'):
        SINKS.find('window').check('')


def test_one_place_spelled_in_several_ways_is_used_once(tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writers of one film would write into each other's."""
    monkeypatch.chdir(tmp_path)
    texts = ['out.mp4', './out.mp4', 'file:out.mp4', str(tmp_path / 'out.mp4'), 'http',
             'http:8090', 'http:8091']
    assert [place.title for place in chosen(texts)] == ['out.mp4', 'http', 'http:8091']
