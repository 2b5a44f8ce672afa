"""train.py --overwrite removes what an earlier run wrote, whichever model it was of."""
import subprocess
import sys
from pathlib import Path

import pytest

from models import artefacts
from util import checkpoints
from util.errors import UserError
from util.owned import folder_in_place_of
from util.runs import RunFolder

WRITTEN = ['latest_net_G.pth', 'latest_net_G_ema.pth', '20_net_Dface.pth', 'iter_500_net_D.pth',
           'best_net_G.pth', 'latest_state.pth', 'loss_log.txt', 'run.json',
           'train_opt.txt', 'wandb_id.txt', 'web/index.html', 'web/history.jsonl',
           'web/epochs_001_to_040.html', 'web/images/epoch001_heldout_fake_B.png',
           'web/film/000000010.jpg',
           'tensorboard/events.out.tfevents.1.me', 'index/poses.npz', 'index/000001.png',
           'masks/000001.png', 'mattes/000001.png', 'plate/plate.png', 'plate/plate.npz']
MINE = ['notes.txt', 'my_net_backup.pth', 'web/mine.html', 'index/mine.jpg',
        'kept/index/poses.npz',
        'index/2024 holiday.png', 'masks/notes.txt', 'mattes/3 notes.png',
        'web/film/10 of mine.jpg']


@pytest.fixture
def run(tmp_path):
    return RunFolder(str(tmp_path), 'me', artefacts())


def put(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_all_that_a_run_wrote_is_removed_and_nothing_else(run):
    put(run.path, WRITTEN + MINE)
    assert set(run.written()) == set(WRITTEN)
    checkpoints.save({run.path / 'latest_state.pth': {}}, run.written())
    there = {path.relative_to(run.path).as_posix() for path in run.path.rglob('*')
             if path.is_file()}
    assert there == {*MINE, 'latest_state.pth'}
    assert not any((run.path / name).exists() for name in ('plate', 'tensorboard'))
    assert not run.has_weights


@pytest.mark.parametrize('name', ['latest_net_G.pth', 'index/poses.npz'])
def test_a_run_holds_something_once_weights_or_what_its_model_keeps_are_there(name, run):
    put(run.path, ['run.json', 'latest_state.pth', 'index/mine.jpg'])
    assert not run.has_weights
    put(run.path, [name])
    assert run.has_weights


def test_what_every_model_keeps_is_known_without_torch():
    code = ('import sys; from models import artefacts; artefacts(); '
            'assert "torch" not in sys.modules')
    subprocess.run([sys.executable, '-c', code], cwd=Path(__file__).parents[2], check=True)


def test_what_a_killed_training_left_is_gone_with_the_next(run):
    put(run.path, ['.latest_state.part12.pth', '.plate.part7/plate.png', '.index.old12/poses.npz',
                   '.mattes.old9/000001.png', 'mattes/000002.png', '.mine.txt', '.a.party/1.txt'])
    with run.locked():
        there = {path.relative_to(run.path).as_posix() for path in run.path.rglob('*')
                 if path.is_file() and path.name != '.lock'}
    assert there == {'index/poses.npz', 'mattes/000001.png', 'mattes/000002.png', '.mine.txt',
                     '.a.party/1.txt'}


def test_a_folder_that_is_made_again_keeps_what_is_not_the_programs(tmp_path):
    put(tmp_path / 'plate', ['plate.png', 'notes.txt'])
    with folder_in_place_of(tmp_path / 'plate', r'plate\.(png|npz)') as part:
        put(part, ['plate.npz'])
    assert sorted(path.name for path in tmp_path.iterdir()) == ['plate']
    assert sorted(path.name for path in (tmp_path / 'plate').iterdir()) == [
        '.written.json', 'notes.txt', 'plate.npz']


def test_the_first_save_of_a_session_leaves_a_file_of_the_users_alone(tmp_path):
    (tmp_path / 'background.jpg').write_text('mine')
    for text in '{}', '[]':
        checkpoints.save({tmp_path / 'latest_net_G.pth': {}}, (),
                         lambda new, text=text: (new / 'run.json').write_text(text))
        assert (tmp_path / 'run.json').read_text() == text
    assert (tmp_path / 'background.jpg').read_text() == 'mine'


def test_of_two_that_start_at_once_the_refused_one_leaves_the_folder_of_the_other(tmp_path,
                                                                                 monkeypatch):
    """Both find no folder; the first one has not written a file yet."""
    from filelock import FileLock, Timeout
    first = RunFolder(str(tmp_path), 'me', ())
    there = Path.exists

    def taken(self):
        raise Timeout(self.lock_file)
    with first.locked(), monkeypatch.context() as patch:
        patch.setattr(Path, 'exists', lambda path: path != first.path and there(path))
        patch.setattr(FileLock, '__enter__', taken)
        with pytest.raises(UserError, match='another training'), first.locked():
            pytest.fail('both train')
        assert (first.path / '.lock').is_file()
    assert not first.path.exists(), 'refused before a first file'
