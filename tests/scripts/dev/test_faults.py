"""The drivers of faults find what is broken on purpose, and nothing in the project as it is."""
import random
import sys
import time
from dataclasses import replace

import pytest

from scripts.dev import fault_campaign
from scripts.dev.faults import concurrent, disk, hostile, kill, mutate, process, signals
from scripts.dev.faults.compare import contents, damaged, differences
from scripts.dev.faults.world import World, free_folder
from tests.conftest import made_once
from util.errors import UserError

pytestmark = pytest.mark.skipif(not sys.platform.startswith('linux'),
                                reason='faults are made with what Linux has')
# trials that take about a minute on two cores, or less
MINUTE = {'kill': 10, 'signals': 11, 'disk': 12, 'mutate': 52, 'hostile': 32, 'concurrent': 6}


@pytest.fixture(scope='session')
def world(tmp_path_factory):
    """A world that every test of this file starts from."""
    folder = made_once(tmp_path_factory, 'faults', lambda folder: World(folder / 'world').make())
    return World(folder / 'world')


@pytest.fixture(scope='session')
def right(world):
    """What two of the jobs give undisturbed."""
    return {name: kill.undisturbed(world, name, world.folder.parent / 'right' / name)
            for name in ('pix2pix', 'test')}


def lost_with(plant, world, driver, known, numbers):
    """What a driver loses with a defect in the process, in the first of these trials that loses."""
    planted = World(world.folder, f'tests.scripts.dev.planted:{plant}')
    for number in numbers:
        root = free_folder(world.folder.parent / 'planted' / plant)
        trial = driver.attempt(planted, known, root, number, random.Random(number))
        if trial.lost:
            return trial.lost
    return []


def test_kill_finds_a_file_that_is_half_written_under_its_name(world, right):
    names = kill.NAMES
    numbers = range(names.index('pix2pix'), 12 * len(names), 2 * len(names))    # before a change
    lost = lost_with('half_written', world, kill, right, numbers)
    assert any('is not whole' in sentence for sentence in lost), lost


def test_signals_find_a_process_that_is_left_behind(world, right, monkeypatch):
    monkeypatch.setattr(process, 'GRACE', 0.2)
    lost = lost_with('orphan', world, signals, right, [signals.NAMES.index('test')])
    assert any('left behind' in sentence for sentence in lost), lost


def test_a_stopped_training_may_show_one_picture_more_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(kill, 'run', lambda *given, **more: process.Ended(0, '', 1.0))
    for name in ('log.txt', 'runs/p/web/film/000000001.jpg', 'runs/p/web/film/notes.txt'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b'x')
    right = kill.Undisturbed({'log.txt': contents(tmp_path)['log.txt']}, {}, 1.0, [])
    given = World(tmp_path), process.Call('train.py', ()), tmp_path, right
    assert kill.same_again(*given, signals.SHOWN) == ['runs/p/web/film/notes.txt is left over']
    assert '000000001.jpg' in kill.same_again(*given)[0], 'a killed one shows nothing'
    shown = 'runs/p/web/images/epoch001_fake_B.png'
    right.contents.update(dict.fromkeys((shown, 'runs/p/web/film/notes.txt'), 'another'))
    assert kill.same_again(*given, signals.SHOWN) == [f'{shown} is missing',
                                                      'runs/p/web/film/notes.txt differs']
    (tmp_path / shown).parent.mkdir()
    (tmp_path / shown).write_bytes(b'x')
    assert kill.same_again(*given, signals.SHOWN) == ['runs/p/web/film/notes.txt differs']


def test_a_result_that_is_never_replaced_may_be_refused_the_second_time(tmp_path, monkeypatch):
    said = 'error: film.mp4: is there already, and a recording replaces nothing.'
    monkeypatch.setattr(kill, 'run', lambda *given, **more: process.Ended(1, said, 1.0))
    (tmp_path / 'film.mp4').write_bytes(b'x')
    right = kill.Undisturbed(contents(tmp_path), {}, 1.0, [])
    given = World(tmp_path), process.Call('webcam.py', ()), tmp_path
    assert 'again ends with 1: error: film.mp4' in kill.same_again(*given, right)[0]
    right = replace(right, keeps='a recording replaces nothing')
    assert kill.same_again(*given, right) == []
    (tmp_path / 'film.mp4').unlink()
    assert kill.same_again(*given, right) == ['film.mp4 is missing']


def test_disk_finds_a_traceback_where_the_disk_is_full(world, right):
    known = disk.Known(right, False)
    lost = lost_with('no_sentence', world, disk, known, [disk.NAMES.index('test')])
    assert any('traceback' in sentence for sentence in lost), lost


def test_what_a_read_only_disk_keeps_is_no_loss_but_a_file_in_its_place_is():
    in_place = dict.fromkeys(('me/.written.json', 'me/train/000001.png'), 'x')
    found = in_place | {'me/.making/new/masks/000001.png': 'x'}
    assert disk.removable(found, 'full') == found
    assert disk.removable(found, 'read_only') == in_place


def test_mutate_finds_a_reader_that_takes_every_file_for_whole(world):
    (number,) = [number for number, kind in enumerate(mutate.KINDS)
                 if kind.name == 'dataset.json of poses']
    numbers = range(number, number + 3 * len(mutate.KINDS), len(mutate.KINDS))
    lost = lost_with('key_error', world, mutate, {}, numbers)
    assert any('KeyError' in sentence for sentence in lost), lost


def test_hostile_finds_a_server_that_others_reach(world):
    (number,) = [number for number, attack in enumerate(hostile.ATTACKS)
                 if attack.name == 'runs/p/web/index.html is a link']
    lost = lost_with('listens', world, hostile, None, [number])
    assert any("socket.bind ('0.0.0.0'" in sentence for sentence in lost), lost


def test_concurrent_finds_that_nobody_waits(world, right, monkeypatch):
    """One after the other, as nobody knows what comes of two trainings at the same moment."""
    class Following(process.Running):
        before: process.Running | None = None

        def __init__(self, *given, **more):
            while Following.before is not None and Following.before.status() is None:
                time.sleep(0.01)
            super().__init__(*given, **more)
            Following.before = self
    monkeypatch.setattr(concurrent, 'Running', Following)
    lost = lost_with('no_lock', world, concurrent, right, [concurrent.KINDS.index('pix2pix')])
    assert any('both trained' in sentence for sentence in lost), lost


def test_a_difference_between_two_folders_is_named(tmp_path):
    for name in ('one', 'other'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'same.txt').write_text(name)         # a log has times in it
        (tmp_path / name / f'{name}.txt').write_text('x')
    (tmp_path / 'one/a.png').write_bytes(b'1IEND\xaeB`\x82')
    (tmp_path / 'other/a.png').write_bytes(b'2')
    found = differences(contents(tmp_path / 'one'), contents(tmp_path / 'other'))
    assert found == ['one.txt is missing', 'other.txt is left over', 'a.png differs']
    assert damaged(tmp_path / 'one') == [] and damaged(tmp_path / 'other') == ['a.png is not whole']


def test_a_trial_is_made_again_from_its_seed_and_number(world, monkeypatch, capsys):
    drawn = []

    def attempt(world, known, root, number, rng):
        drawn.append((number, rng.random()))
        return kill.Trial('x', ['broken'] if number == 5 else [])
    monkeypatch.setattr(mutate, 'prepare', lambda world: None)
    monkeypatch.setattr(mutate, 'attempt', attempt)
    lost = fault_campaign.campaign(world, 'mutate', 7, count=8)
    assert 'mutate --seed 7 --first 5 --count 1' in lost[0] and len(lost) == 1
    assert fault_campaign.campaign(world, 'mutate', 7, 5, 1) == lost
    assert drawn[-1] in drawn[:-1]
    assert 'mutate, seed 7: 8 tried (x 8), 1 lost' in capsys.readouterr().out


def test_a_campaign_works_in_a_new_folder_and_keeps_only_what_it_may(tmp_path, monkeypatch):
    """What lies in --folder stays as it is, and a trial that lost something is found there."""
    def attempt(world, known, root, number, rng):
        (root / 'seen.txt').write_text('x')
        return kill.Trial('x', ['broken'] if number == 1 else [])
    worlds = []
    monkeypatch.setattr(World, 'make', lambda world: worlds.append(world.folder))
    monkeypatch.setattr(mutate, 'prepare', lambda world: None)
    monkeypatch.setattr(mutate, 'attempt', attempt)
    mine = [tmp_path / 'a' / name for name in ('world/done', 'trials/mutate1/me.txt')]
    for path in mine:
        path.parent.mkdir(parents=True)
        path.write_text('mine')
    argv = ['mutate', '--count', '2', '--seed', '1']
    for folder in (tmp_path / 'a', tmp_path / 'not' / 'there'):
        with pytest.raises(SystemExit) as ended:
            fault_campaign.main([*argv, '--folder', str(folder)])
        assert ended.value.code == 1
        (kept,) = folder.glob('faults*')
        assert [path.name for path in kept.rglob('*') if path.is_file()] == ['seen.txt']
    with pytest.raises(SystemExit):
        fault_campaign.main(argv)
    assert not worlds[-1].parent.exists(), 'a temporary folder goes with the campaign'
    assert all(path.read_text() == 'mine' for path in mine)


def test_a_campaign_knows_its_drivers_and_says_by_its_status_that_nothing_is_lost(tmp_path,
                                                                                 monkeypatch):
    monkeypatch.setattr(World, 'make', lambda world: None)
    monkeypatch.setattr(mutate, 'prepare', lambda world: None)
    monkeypatch.setattr(mutate, 'attempt', lambda *given: kill.Trial('x'))
    with pytest.raises(SystemExit) as ended:
        fault_campaign.main(['mutate', '--count', '1', '--folder', str(tmp_path)])
    assert ended.value.code == 0
    with pytest.raises(UserError, match='sharks: no such driver. There is kill, signals'):
        fault_campaign.main(['mutate', 'sharks'])


def test_every_driver_has_its_minute():
    assert list(MINUTE) == list(fault_campaign.DRIVERS)


@pytest.mark.slow
@pytest.mark.parametrize('name', MINUTE)
def test_nothing_is_lost(name, world):
    assert not fault_campaign.campaign(world, name, seed=1, count=MINUTE[name])
