"""A dataset that is there is not changed, but where --overwrite asks for it."""
import json
import shutil
from pathlib import Path

import pytest

import preprocess
import preprocessing.prepare
from pose.track import PoseTrack
from preprocessing.written import adopt, ours, written_files
from tests.conftest import made_once
from tests.preprocessing.preparing import files, prepare
from util.errors import UserError
from util.noted import NOTES, note


@pytest.fixture(scope='session')
def half_a_second(demo_videos, tmp_path_factory):
    """A dataset of the source's first half second; not to be changed."""
    return made_once(tmp_path_factory, 'half_a_second', lambda folder: prepare(
        folder, '--video', demo_videos[1], '--end', '0.5'))


def test_a_finished_dataset_is_not_made_again_and_never_silently_changed(
        half_a_second, demo_videos, tmp_path, capsys):
    root = tmp_path / 'me'
    flags = ['--video', demo_videos[1], '--end', '0.5']
    shutil.copytree(half_a_second, root)
    made = (root / 'dataset.json').stat().st_mtime_ns
    capsys.readouterr()
    prepare(root, *flags)
    assert 'already finished' in capsys.readouterr().out
    with pytest.raises(UserError, match='smooth was 1.0 and is now 0.5.*--overwrite'):
        prepare(root, *flags, '--smooth', '0.5')
    assert (root / 'dataset.json').stat().st_mtime_ns == made
    prepare(root, *flags, '--smooth', '0.5', '--overwrite')
    assert (root / 'dataset.json').stat().st_mtime_ns != made
    assert files(tmp_path) == ['me'], 'nothing is left beside it'


def test_a_dataset_that_another_call_made_meanwhile_is_not_replaced(
        half_a_second, demo_videos, tmp_path, monkeypatch):
    root = tmp_path / 'me'
    detect = preprocessing.prepare.detect

    def detect_slowly(*given):
        shutil.copytree(half_a_second, root, dirs_exist_ok=True)
        return detect(*given)
    monkeypatch.setattr(preprocessing.prepare, 'detect', detect_slowly)
    with pytest.raises(UserError, match='made by another call meanwhile.*--overwrite'):
        prepare(root, '--video', demo_videos[1], '--end', '0.4')
    assert (root / 'dataset.json').read_text() == (half_a_second / 'dataset.json').read_text()


def test_a_folder_that_is_no_dataset_is_left_alone(demo_videos, tmp_path):
    (tmp_path / 'notes.txt').write_text('mine')
    with pytest.raises(UserError, match='no dataset of preprocess.py'):
        prepare(tmp_path, '--video', demo_videos[1], '--overwrite')
    assert files(tmp_path) == ['notes.txt']


def test_a_failure_leaves_the_dataset_that_was_there(half_a_second, demo_videos, tmp_path,
                                                     monkeypatch):
    root = tmp_path / 'me'
    shutil.copytree(half_a_second, root)
    before = (root / 'dataset.json').read_text()

    def full(path, data):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(UserError, match='could not be written'):
        prepare(root, '--video', demo_videos[1], '--end', '0.4', '--overwrite')
    assert (root / 'dataset.json').read_text() == before and files(tmp_path) == ['me']


def test_overwrite_replaces_what_the_program_wrote_and_nothing_else(demo_videos, tmp_path):
    root = tmp_path / 'me'
    root.mkdir()
    flags = ['--end', '0.5', '--layout', 'folders', '--write_json']
    prepare(root, '--video', demo_videos[1], *flags)
    (root / 'notes').mkdir()
    (root / 'notes' / 'plan.txt').write_text('mine')
    (root / 'train_A' / 'retouched.png').write_text('mine')
    shutil.copy(demo_videos[1], root / 'me.mp4')
    prepare(root, '--video', root / 'me.mp4', '--end', '0.4', '--overwrite')
    assert files(root) == ['.written.json', 'background.jpg', 'dataset.json', 'found.npz', 'frames',
                           'masks', 'me.mp4', 'notes', 'poses.npz', 'report', 'report.html',
                           'report.json', 'train', 'train_A', 'val']
    assert files(root / 'train_A') == ['retouched.png'] and files(root / 'notes') == ['plan.txt']
    track = PoseTrack.load(root / 'poses.npz')
    pairs = files(root / 'train') + files(root / 'val')
    assert len(track) == 12 and len(pairs) <= 12
    assert (root / 'me.mp4').read_bytes() == demo_videos[1].read_bytes()


def test_what_others_noted_in_the_folder_is_not_the_datasets(half_a_second, demo_videos,
                                                             tmp_path):
    """A camera's video, which --camera notes, and the maps of precompute_feature_maps.py."""
    shutil.copy(demo_videos[1], tmp_path / 'me.mp4')
    note(tmp_path, ['me.mp4'])
    with pytest.raises(UserError, match='no dataset of preprocess.py'):
        prepare(tmp_path, '--video', tmp_path / 'me.mp4')
    assert (tmp_path / 'me.mp4').is_file() and ours(tmp_path) == set()
    root = tmp_path / 'old'
    shutil.copytree(half_a_second, root)
    (root / NOTES).unlink()                 # as an earlier version left a dataset
    (root / 'train_feat').mkdir()
    (root / 'train_feat' / '000001.png').write_text('a map')
    note(root, ['train_feat/000001.png'])
    assert 'dataset.json' in written_files(root)
    adopt(root)
    assert 'train/000001.png' in ours(root) and 'train_feat/000001.png' not in ours(root)


def test_what_is_in_the_way_of_a_new_dataset_is_named_before_the_work(
        demo_videos, tmp_path, monkeypatch):
    root = tmp_path / 'me'
    flags = ['--video', demo_videos[1], '--end', '0.5', '--overwrite']
    prepare(root, *flags)
    monkeypatch.setattr('preprocessing.prepare.detect', None)        # there is no work
    for name in ('train/000999.png', 'val_A/000001.png'):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text('mine')
        with pytest.raises(UserError, match=f'{name}: is there already'):
            prepare(root, *flags)
        (root / name).unlink()
    with pytest.raises(UserError, match='are part of the dataset that --overwrite replaces'):
        prepare(root, '--images', root / 'train', '--overwrite')
    (root / 'dataset.json').write_text('[]')
    with pytest.raises(UserError, match='no dataset of preprocess.py'):
        prepare(root, *flags)
    assert (root / 'train' / '000001.png').is_file()


def test_a_link_to_a_larger_disk_is_followed(demo_videos, tmp_path):
    (tmp_path / 'big').mkdir()
    (tmp_path / 'me').symlink_to(tmp_path / 'big')
    for flags in ([], ['--overwrite']):
        prepare(tmp_path / 'me', '--video', demo_videos[1], '--end', '0.5', *flags)
        assert files(tmp_path) == ['big', 'me'] and (tmp_path / 'me').is_symlink()
        assert 'dataset.json' in files(tmp_path / 'big')


def test_poses_fitted_to_a_target_that_was_made_anew_are_stale(prepared, demo_videos, tmp_path):
    target, root = tmp_path / 'me', tmp_path / 'dancer'
    shutil.copytree(prepared, target)
    flags = ['--video', demo_videos[1], '--poses_only', '--retarget_to', target, '--end', '0.5']
    prepare(root, *flags)
    prepare(root, *flags)
    facts = json.loads((target / 'dataset.json').read_text())
    facts['stage']['near'] += 10
    (target / 'dataset.json').write_text(json.dumps(facts))
    with pytest.raises(UserError, match='the body of --retarget_to is another'):
        prepare(root, *flags)


def test_another_spelling_of_the_same_video_is_the_same_video(half_a_second, demo_videos,
                                                              monkeypatch):
    monkeypatch.chdir(demo_videos[1].parent)
    prepare(half_a_second, '--video', './source.mp4', '--end', '0.5')


def test_a_dataset_older_than_a_flag_counts_as_made_with_its_default(prepared, demo_videos,
                                                                     tmp_path):
    target, root = tmp_path / 'me', tmp_path / 'dancer'
    shutil.copytree(prepared, target)
    flags = ['--video', demo_videos[1], '--poses_only', '--retarget_to', target, '--end', '0.5']
    prepare(root, *flags)
    made = json.loads((root / 'dataset.json').read_text())
    del made['settings']['facing']
    (root / 'dataset.json').write_text(json.dumps(made))
    before = (root / 'poses.npz').stat().st_mtime_ns
    prepare(root, *flags)
    assert (root / 'poses.npz').stat().st_mtime_ns == before
    with pytest.raises(UserError, match='facing was auto and is now front'):
        prepare(root, *flags, '--facing', 'front')


def test_what_you_worked_on_is_named_before_the_work_and_stays(half_a_second, demo_videos, tmp_path,
                                                              monkeypatch):
    root = tmp_path / 'me'
    flags = ['--video', demo_videos[1], '--end', '0.4']
    shutil.copytree(half_a_second, root, copy_function=shutil.copyfile)      # with other times
    (root / 'train' / '000002.png').write_bytes(b'retouched')
    with monkeypatch.context() as patch:
        patch.setattr('preprocessing.prepare.detect', None)         # there is no work
        with pytest.raises(UserError, match='train/000002.png: changed since this program wrote'):
            prepare(root, *flags, '--overwrite')
    assert (root / 'train' / '000002.png').read_bytes() == b'retouched'
    (root / 'train' / '000002.png').rename(root / 'retouched.png')
    prepare(root, *flags, '--overwrite')
    assert (root / 'retouched.png').read_bytes() == b'retouched'
    assert (root / 'train' / '000002.png').read_bytes() != b'retouched'


def test_a_dataset_whose_facts_were_taken_away_is_made_again(half_a_second, demo_videos, tmp_path):
    root = tmp_path / 'me'
    shutil.copytree(half_a_second, root)
    (root / 'dataset.json').rename(tmp_path / 'mine.json')
    prepare(root, '--video', demo_videos[1], '--end', '0.4')
    facts = json.loads((root / 'dataset.json').read_text())
    assert files(root / 'train') == [f'{k + 1:06d}.png' for k in range(facts['split']['train'])]


def test_two_calls_at_once_do_not_look_for_the_same_poses(demo_videos, tmp_path, monkeypatch):
    root = tmp_path / 'me'
    flags = ['--video', demo_videos[1], '--end', '0.4']
    detect = preprocessing.prepare.detect

    def detect_meanwhile(*given):
        monkeypatch.setattr(preprocessing.prepare, 'detect', None)
        with pytest.raises(UserError, match='me: another call writes into this folder'):
            prepare(root, *flags)
        return detect(*given)
    monkeypatch.setattr(preprocessing.prepare, 'detect', detect_meanwhile)
    prepare(root, *flags)
    assert (root / 'report.html').is_file()


def test_an_earlier_versions_dataset_is_known_by_what_it_says(half_a_second, demo_videos, tmp_path):
    root = tmp_path / 'me'
    flags = ['--video', demo_videos[1], '--end', '0.4', '--overwrite']
    shutil.copytree(half_a_second, root)
    (root / '.written.json').unlink()
    preprocess.main(['--doctor', str(root)])         # replaces only the report
    (root / 'train' / '000999.png').write_text('mine')
    with pytest.raises(UserError, match='train/000999.png: is there already'):
        prepare(root, *flags)
    (root / 'train' / '000999.png').unlink()
    prepare(root, *flags)
    assert files(root / 'masks') == sorted(files(root / 'train') + files(root / 'val'))
