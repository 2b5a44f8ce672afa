"""What --overwrite may replace: the files that preprocess.py wrote, known by its own records."""
import pytest

from preprocessing.written import check_room, files_in, written_files
from tests.preprocessing.test_redraw import LAYOUTS, dataset
from util.errors import UserError
from util.files import read_json, write_json


@pytest.mark.parametrize('layout', LAYOUTS)
def test_every_file_of_a_dataset_is_the_programs_with_or_without_its_track(layout, tmp_path):
    root = dataset(tmp_path / 'me', layout)
    assert written_files(root) == set(files_in(root))
    (root / 'poses.npz').unlink()
    assert written_files(root) == set(files_in(root))


def test_a_picture_of_a_number_that_was_not_written_is_the_users(tmp_path):
    root = dataset(tmp_path / 'me')
    (root / 'train' / '000999.png').write_text('mine')
    assert 'train/000999.png' not in written_files(root)
    with pytest.raises(UserError, match='000999.png: is there already'):
        check_room(root, None)


def test_where_no_track_says_which_pictures_are_the_users_none_is_replaced(tmp_path):
    """One picture more than dataset.json counts: it may be any of them."""
    root = dataset(tmp_path / 'me')
    (root / 'poses.npz').write_bytes(b'cut short')
    (root / 'train' / '000999.png').write_text('mine')
    pictures = [name for name in written_files(root) if name.endswith('.png')]
    assert pictures == ['val/000012.png']
    with pytest.raises(UserError, match='train/.*png: is there already'):
        check_room(root, None)


def test_keypoints_are_the_programs_only_if_it_was_asked_to_write_them(tmp_path):
    root = dataset(tmp_path / 'me')
    name = 'openpose_json/000000000008_keypoints.json'
    (root / 'openpose_json').mkdir()
    (root / name).write_text('{}')
    assert name not in written_files(root)
    facts = read_json(root / 'dataset.json')
    facts['settings']['write_json'] = True
    write_json(root / 'dataset.json', facts)
    assert name in written_files(root)
