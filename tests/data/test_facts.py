"""dataset.json, which may be a stranger's: every value that is read has its kind and range."""
import json

import numpy as np
import pytest

from data import datasets
from data.base_dataset import no_such_phase
from data.facts import FACTS, check_inside, read_facts, read_needed, trained_facts
from models import models
from options.test_options import TestOptions
from util.errors import UserError
from util.files import read_json, write_json
from util.images import write_image
from util.runs import write_record


def test_what_preprocess_writes_fits(prepared):
    FACTS(read_json(prepared / 'dataset.json'))


@pytest.mark.parametrize('wrong', [
    [], 3, 'x', {'layout': 'paris'}, {'fps': 0}, {'fps': 'x'}, {'size': [64]}, {'size': [0, 64]},
    {'size': [1.5, 2]}, {'draw': []}, {'draw': {'line_width': 0}}, {'draw': {'labels': 10**9}},
    {'draw': {'colours': {'body': 3}}}, {'split': {'../x': 1}}, {'split': {'train': 1.5}},
    {'crop': [0, 0, 0, 9]}, {'people': [{'number': 1}]}, {'people': 'x'}, {'fit': {'facing': []}},
    {'stage': {'near': 1}}, {'source_stages': {'0': 3}}, {'settings': []}, {'made': 3},
    {'retargeted_to': '\0'}, {'source': {}}, {'frames': {'read': -1}}])
def test_a_value_of_another_kind_is_named_wherever_it_is_read(wrong, pairs, tmp_path):
    root = pairs()
    (root / 'dataset.json').write_text(json.dumps(wrong))
    opt = TestOptions().parse(['--dataroot', str(root), '--dataset_mode', 'aligned',
                               '--checkpoints_dir', str(tmp_path)])
    for read in (lambda: read_facts(root), lambda: datasets.find('aligned')(opt, 'train')):
        with pytest.raises(UserError, match=r'dataset\.json: .*Make another'):
            read()
    if isinstance(wrong, dict):
        write_record(tmp_path / 'me', {}, wrong)
        with pytest.raises(UserError, match=r'me/run\.json: dataset: .*Copy the run again'):
            trained_facts(tmp_path / 'me')


def test_what_a_reader_needs_is_asked_for_by_name(tmp_path):
    write_json(tmp_path / 'dataset.json', {'layout': 'pairs', 'draw': {'style': 'openpose'}})
    assert read_needed(tmp_path, 'layout')
    for name, why in (('split', 'it lacks split'), ('draw', 'draw: it lacks line_width')):
        with pytest.raises(UserError, match=why):
            read_needed(tmp_path, name)


def test_only_a_folder_within_the_dataset_is_written_into(tmp_path):
    root = tmp_path / 'me'
    (root / 'train').mkdir(parents=True)
    (tmp_path / 'link').symlink_to(root)
    (root / 'out').symlink_to(tmp_path)
    check_inside(root, root / 'train')
    check_inside(tmp_path / 'link', tmp_path / 'link' / 'train')
    with pytest.raises(UserError, match='me/out leads to'):
        check_inside(root, root / 'out')


@pytest.mark.parametrize('mode', [[], ['--dataset_mode', 'single']])
@pytest.mark.parametrize('model', models.names())
def test_poses_alone_are_refused_for_training_before_anything_is_written(model, mode, tmp_path):
    import train
    root = tmp_path / 'dancer'
    (root / 'val').mkdir(parents=True)
    write_image(root / 'val' / '000001.png', np.zeros((64, 64, 3), np.uint8))
    write_json(root / 'dataset.json', {'layout': 'poses', 'size': [64, 64]})
    with pytest.raises(UserError):
        train.main(['--dataroot', str(root), '--name', 'me', '--checkpoints_dir',
                    str(tmp_path / 'ck'), '--model', model, '--phase', 'val', *mode])
    assert not (tmp_path / 'ck' / 'me').exists() or not list((tmp_path / 'ck' / 'me').glob('*.pth'))


def test_of_the_folder_above_the_datasets_one_of_them_is_advised(tmp_path):
    me = tmp_path / 'me'
    (me / 'train').mkdir(parents=True)
    write_json(me / 'dataset.json', {'layout': 'pairs'})
    with pytest.raises(UserError, match=f'holds datasets. Give one of them, e.g. --dataroot {me}'):
        raise no_such_phase(tmp_path, 'train')
