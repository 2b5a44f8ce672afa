"""Several painted people in one film: the far one first, each where its dancer stood."""
from pathlib import Path

import numpy as np
import pytest

from evaluation.people_film import (
    PaintedPerson,
    SharedScene,
    is_painted,
    painted_from,
    say_unpainted,
    write_film,
)
from options.transfer_options import TransferOptions
from pose.track import PoseTrack
from scene.composition import GREEN, composed, plain
from scene.source_scene import save
from tests.conftest import joints
from util.errors import UserError
from util.files import write_json
from util.images import read_image, read_rgba, write_image
from util.video import probe
from util.video_writer import VideoWriter

SIZE = 160, 120                 # of the scene
COUNT = 10
RED, BLUE, YELLOW = (220, 30, 30), (30, 40, 220), (220, 210, 40)
WALL = 120


def body(x: float, ankle: float) -> np.ndarray:
    """float32 (25, 3): somebody 72 px tall who stands at that place, px."""
    pose = joints(0).copy()
    there = pose[:, 2] > 0
    pose[there, :2] = 8 * (pose[there, :2] - pose[there, :2].min(0))
    pose[there, :2] += np.array([x, ankle]) - [pose[there, 0].mean(), pose[there, 1].max()]
    return pose


def painted(folder: Path, name: str, colour: tuple[int, int, int], x: float, ankle: float,
            frames: range, wall: int = WALL) -> PaintedPerson:
    """A person whose layer is a block of that colour around the middle of the body; the picture of
    the target is twice as large as the scene and shows the body where the scene does."""
    root, results = folder / 'datasets' / name, folder / 'results' / name
    index = np.array(frames)
    poses = np.repeat(body(x, ankle)[None], len(index), 0)
    own = PoseTrack(poses, index / 10, index, 'BODY_25', SIZE)
    root.mkdir(parents=True)
    save(root, own, ((time, np.full((SIZE[1], SIZE[0], 3), WALL, np.uint8)) for time in own.times))
    own.save(root / 'poses.npz')
    write_json(root / 'dataset.json', {'format': 1, 'fps': 10, 'made': 'now'})
    rgba = np.zeros((2 * SIZE[1], 2 * SIZE[0], 4), np.uint8)
    middle = slice(round(2 * ankle) - 80, round(2 * ankle) - 40)
    rgba[middle, round(2 * x) - 20:round(2 * x) + 20] = (*colour, 255)
    for number in frames:
        write_image(results / 'images' / f'{number + 1:06d}_fake_B.png', rgba)
    write_json(results / 'painting.json', {'frames': {f'{number + 1:06d}': number / 10
                                                      for number in frames}})
    return PaintedPerson(root, results, np.full((20, 20, 3), wall, np.uint8))


@pytest.fixture
def duo(tmp_path, monkeypatch):
    """duo(*flags): the folder of the film of a red person in front, and of a blue one behind who is
    there in the last frames alone."""
    monkeypatch.chdir(tmp_path)
    with VideoWriter('duo.mp4', fps=10) as video:
        for _ in range(COUNT):
            video.write(np.full((SIZE[1], SIZE[0], 3), 200, np.uint8))
    for name in ('a.mp4', 'b.mp4'):
        Path(name).touch()

    def film(*flags):
        people = [painted(tmp_path, 'red', RED, 80, 112, range(COUNT)),
                  painted(tmp_path, 'blue', BLUE, 88, 104, range(4, COUNT))]
        opt = TransferOptions().parse(['--target', 'a.mp4', 'b.mp4', '--source', 'duo.mp4', *flags])
        return write_film(tmp_path / 'results' / 'both', people, opt, {}).parent
    return film


def shown(folder: Path, number: int) -> np.ndarray:
    picture = read_image(folder / 'images' / f'{number:06d}_fake_B.png')
    assert picture is not None
    return picture.astype(int)


def test_the_far_one_lies_behind_and_who_is_not_found_is_not_painted(duo):
    folder = duo()
    alone, both = shown(folder, 2), shown(folder, 8)
    assert alone.shape == (SIZE[1], SIZE[0], 3)
    is_blue = [(np.abs(picture - BLUE).max(-1) < 12) for picture in (alone, both)]
    assert not is_blue[0].any() and is_blue[1].any()
    for picture in (alone, both):
        red = np.argwhere(np.abs(picture - RED).max(-1) < 12)
        assert np.abs(red.min(0) - (72, 70)).max() <= 1 and np.abs(red.max(0) - (91, 89)).max() <= 1
    assert np.abs(both[78, 84] - RED).max() < 12, 'where they overlap'
    columns = np.flatnonzero(is_blue[1].any(0))
    assert abs(columns.min() - 78) <= 1 and abs(columns.max() - 97) <= 1
    assert np.abs(both[20, 20] - WALL).max() <= 4, 'the scene of the source'


def test_of_three_people_each_is_behind_whoever_is_nearer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    targets = ['a.mp4', 'b.mp4', 'c.mp4']
    for name in targets:
        Path(name).touch()
    with VideoWriter('trio.mp4', fps=10) as video:
        for _ in range(3):
            video.write(np.full((SIZE[1], SIZE[0], 3), 200, np.uint8))
    people = [painted(tmp_path, 'middle', RED, 76, 108, range(3)),
              painted(tmp_path, 'far', BLUE, 84, 104, range(3)),
              painted(tmp_path, 'near', YELLOW, 68, 112, range(3))]
    opt = TransferOptions().parse(['--target', *targets, '--source', 'trio.mp4'])
    folder = write_film(tmp_path / 'results' / 'all', people, opt, {}).parent
    row = shown(folder, 2)[78]
    for x, colour in ((62, YELLOW), (73, YELLOW), (81, RED), (91, BLUE)):
        assert np.abs(row[x] - colour).max() < 16, x


def test_who_is_missing_for_a_while_in_a_shot_is_said(tmp_path, capsys):
    for name, frames in (('a', [0, 1, 9, 10, 19, 30]), ('b', range(30)), ('c', [20, 24, 26])):
        person = painted(tmp_path, name, RED, 80, 112, frames)
        person.scene.scene.shots[30] = 1
        say_unpainted(person, f'{name}, as person 1,')
    said = capsys.readouterr().err
    assert 'a, as person 1, is not painted at 0.1 to 0.9 s, 1.0 to 1.9 s: the dancer' in said
    assert said.count('not painted') == 1, 'after a cut, or for moments, nobody is missed'


def test_films_and_page_show_all_of_them(duo, tmp_path):
    folder = duo()
    film, both = probe(folder / 'fake_B.mp4'), probe(folder / 'side_by_side.mp4')
    assert film.size == SIZE and film.frames == both.frames == COUNT
    assert both.size == (3 * SIZE[0], SIZE[1])
    poses = [read_image(folder / 'images' / f'{number:06d}_real_A.png') for number in (2, 8)]
    assert poses[1].any(-1).sum() > poses[0].any(-1).sum() > 0
    assert 'fake_B.mp4' in (folder / 'index.html').read_text()


def test_another_background_is_as_large_as_the_scene(duo):
    folder = duo('--background', 'green')
    assert shown(folder, 8)[0, 0].tolist() == [0, 255, 0]
    assert probe(folder / 'fake_B.mp4').size == SIZE


def test_alpha_keeps_both_people_and_nothing_else(duo):
    folder = duo('--background', 'alpha')
    rgba = read_rgba(folder / 'images' / '000008_fake_B.png')
    assert rgba.shape == (SIZE[1], SIZE[0], 4) and rgba[0, 0, 3] == 0
    assert np.abs(rgba[80, 80].astype(int) - (*RED, 255)).max() <= 2
    assert np.abs(rgba[66, 94].astype(int) - (*BLUE, 255)).max() <= 2
    assert probe(folder / 'fake_B.webm').size == SIZE


def test_a_layer_that_cannot_be_read_is_one_sentence(duo, tmp_path):
    person = painted(tmp_path / 'other', 'red', RED, 80, 112, range(2))
    (person.results / 'images' / '000002_fake_B.png').write_text('no picture')
    with pytest.raises(UserError, match='000002_fake_B.png: cannot be read. Move'):
        person.layer('000002')


def test_who_has_no_place_in_a_shot_is_not_painted_there(tmp_path):
    person = painted(tmp_path, 'red', RED, 80, 112, range(2))
    person.scene.places[1] = np.full((3, 3), np.nan)
    assert person.layer('000001').alpha.any() and person.pose('000001', SIZE).any()
    assert not person.layer('000002').alpha.any() and not person.pose('000002', SIZE).any()


def test_layers_are_painted_again_when_what_they_come_from_changed(tmp_path):
    person = painted(tmp_path, 'red', RED, 80, 112, range(2))
    run = tmp_path / 'run'
    run.mkdir()
    (run / 'latest_net_G.pth').write_bytes(b'weights')
    made = painted_from(run, person.root, ['--name=red'])
    assert is_painted(person.results, made, made)
    assert not is_painted(person.results, made, None)
    (run / 'latest_net_G.pth').write_bytes(b'other weights')
    again = painted_from(run, person.root, ['--name=red'])
    assert not is_painted(person.results, again, made)
    assert not is_painted(person.results, painted_from(run, person.root, []), again)
    (person.results / 'images' / '000002_fake_B.png').unlink()
    assert not is_painted(person.results, made, made)


def test_each_person_comes_into_the_light_of_the_scene(tmp_path, monkeypatch):
    """One was filmed before a wall half as bright: that one becomes brighter, the other stays."""
    monkeypatch.chdir(tmp_path)
    dark = painted(tmp_path, 'red', RED, 40, 112, range(2), WALL // 2)
    same = painted(tmp_path, 'blue', BLUE, 120, 112, range(2))
    scene = SharedScene([dark, same])
    layers = [dark.layer('000001'), same.layer('000001')]
    picture = scene.picture('000001', 0.0, layers).astype(int)
    assert np.abs(picture[80, 120] - BLUE).max() <= 4
    assert picture[80, 40, 0] > RED[0] + 20
    green = composed(plain(GREEN, SIZE), layers).astype(int)
    assert np.abs(green[80, 40] - RED).max() <= 2, 'before anything else a person stays as filmed'
