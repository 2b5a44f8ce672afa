"""A dataset is drawn again, and a run refuses poses that are drawn differently from its own."""
import json
import re
import shlex
import shutil

import numpy as np
import pytest
from PIL import Image

import preprocess
import train
import util.owned
from data import datasets
from data.compatibility import check_drawn_alike
from options.test_options import TestOptions
from options.train_options import TrainOptions
from pose.draw import STYLES, default_line_width, draw_facts, draw_pose
from pose.track import PoseTrack
from preprocessing.redraw import redraw
from tests.pose.test_draw import figure
from util.errors import UserError
from util.files import read_json, write_json
from util.images import write_image
from util.noted import NOTES
from util.runs import write_record

SIZE = (112, 96)
LAYOUTS = ('pairs', 'folders', 'poses')


def dataset(root, layout='pairs', style='openpose', skeleton='BODY_25', frames=5, line_width=2.0,
            frame=None):
    """What preprocess.py writes, of a figure that walks to the right; frame(pose) -> its frame,
    noise if not given. The last frame is val/, the one before was dropped."""
    poses = np.stack([figure(0.9, skeleton) for _ in range(frames)])
    poses[..., 0] += np.arange(frames)[:, None] * 4 * (poses[..., 2] > 0)
    kept = np.arange(frames) != frames - 2
    track = PoseTrack(poses, np.arange(frames) / 25, np.arange(frames) + 7, skeleton, SIZE, kept)
    noise = np.random.default_rng(0)
    names = {'pairs': ('',), 'folders': ('_A', '_B'), 'poses': ('',)}[layout]
    phases = {'val': range(frames)} if layout == 'poses' else {
        'train': range(frames - 2), 'val': [frames - 1]}
    for phase, rows in phases.items():
        for name in names:
            (root / f'{phase}{name}').mkdir(parents=True)
        for row in (row for row in rows if kept[row]):
            pose = draw_pose(poses[row], SIZE, style, skeleton, line_width)
            shown = frame(poses[row]) if frame else noise.integers(
                0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
            pictures = {'pairs': [np.hstack([pose, shown])], 'folders': [pose, shown],
                        'poses': [pose]}[layout]
            for name, picture in zip(names, pictures):
                write_image(root / f'{phase}{name}' / f'{track.index[row] + 1:06d}.png', picture)
    track.save(root / 'poses.npz')
    write_json(root / 'dataset.json', {
        'format': 1, 'layout': layout, 'size': list(SIZE), 'skeleton': skeleton,
        'draw': draw_facts(style, line_width, skeleton), 'made': 'yesterday',
        'split': {phase: len(rows) for phase, rows in phases.items()},
        'settings': {'draw_style': style, 'line_width': None, 'smooth': 1.0}})
    (root / 'report').mkdir()
    (root / 'report' / '00.jpg').write_bytes(b'a picture')
    (root / 'report.html').write_text('a report')
    return root


def contents(root):
    """Of the files but for the record of which of them are the program's."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob('*')
            if p.is_file() and p.name != NOTES}


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('style', STYLES)
def test_drawn_again_in_the_same_style_every_file_is_the_same(style, layout, tmp_path):
    root = dataset(tmp_path / 'me', layout, style)
    before = contents(root)
    redraw(root)
    after = contents(root)
    facts = [json.loads(files.pop('dataset.json')) for files in (before, after)]
    assert before == after
    assert facts[1] == facts[0] | {'made': facts[1]['made']} and facts[1]['made'] != 'yesterday'


@pytest.mark.parametrize('layout', LAYOUTS)
def test_only_the_poses_change(layout, tmp_path):
    root = dataset(tmp_path / 'me', layout)
    before, track = contents(root), PoseTrack.load(root / 'poses.npz')
    redraw(root, 'edn', 3.0)
    after = contents(root)
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]} - {'dataset.json'}
    poses = {'folders': '_A/'}.get(layout, '/')
    assert changed == {name for name in before if name.endswith('.png') and poses in name}
    for name in changed:
        image = np.asarray(Image.open(root / name))
        pose = track.poses[list(track.index).index(int(name[-10:-4]) - 1)]
        assert np.array_equal(image[:, :SIZE[0]], draw_pose(pose, SIZE, 'edn', line_width=3.0))
    assert read_json(root / 'dataset.json')['draw'] == draw_facts('edn', 3.0, 'BODY_25')
    assert [p.name for p in tmp_path.iterdir()] == ['me'], 'nothing is left beside it'


def test_the_frame_of_a_pair_stays_bit_for_bit(tmp_path):
    root = dataset(tmp_path / 'me')
    frames = lambda: [np.asarray(Image.open(p))[:, SIZE[0]:] for p in sorted(root.glob('*/*.png'))]
    before = frames()
    redraw(root, 'pix2pixhd_labels', 5)
    assert all(map(np.array_equal, before, frames())) and len(before) == 4


def test_what_is_no_pose_of_the_dataset_stays_and_a_stopped_redraw_is_completed(
        tmp_path, monkeypatch):
    root = dataset(tmp_path / 'me')
    (root / 'me.mp4').write_text('mine')
    (root / 'train' / 'mine.txt').write_text('mine')
    (root / '.cache').mkdir()
    (root / '.cache' / 'mine.txt').write_text('mine')
    number, before = root.stat().st_ino, contents(root)
    move = util.owned._move

    def stopped(source, target):
        if target.name == '000009.png':
            raise KeyboardInterrupt
        move(source, target)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(util.owned, '_move', stopped)
        redraw(root, 'edn')
    data = datasets.find('aligned')(TrainOptions().parse(['--dataroot', str(root)]), 'train')
    assert data.facts['draw']['style'] == 'edn' and not (root / '.making').exists()
    after = contents(root)
    poses = {'train/000008.png', 'train/000009.png', 'train/000010.png', 'val/000012.png'}
    assert {name for name in before if after[name] != before[name]} == {*poses, 'dataset.json'}
    assert root.stat().st_ino == number


def test_a_new_style_comes_in_its_usual_width_unless_one_is_given(tmp_path):
    root = dataset(tmp_path / 'me')
    draw = lambda: read_json(root / 'dataset.json')['draw']
    redraw(root, line_width=6)
    assert (draw()['style'], draw()['line_width']) == ('openpose', 6)
    redraw(root, 'openpose')
    assert draw()['line_width'] == 6, 'nothing was asked to change'
    redraw(root, 'edn')
    assert draw()['line_width'] == default_line_width(SIZE, 'edn')


def test_decoded_pictures_of_the_old_drawing_are_forgotten(tmp_path):
    root = dataset(tmp_path / 'me')
    opened = lambda: datasets.find('aligned')(TrainOptions().parse(['--dataroot', str(root)]),
                                              'train').item(0)
    before = opened()
    assert (root / '.cache').is_dir()
    redraw(root, 'edn')
    assert not (root / '.cache').exists()
    after = opened()
    assert np.array_equal(before['B'], after['B']) and after['A'][0, 0].tolist() == [255] * 3


def test_preprocess_knows_its_work_again_by_the_settings(tmp_path):
    root = dataset(tmp_path / 'me')
    facts = read_json(root / 'dataset.json')
    redraw(root, 'edn', 3)
    assert read_json(root / 'dataset.json')['settings'] == {
        'draw_style': 'edn', 'line_width': None, 'smooth': 1.0}
    facts['settings'] |= {'draw_style': None, 'target_draw': facts['draw']}
    write_json(root / 'dataset.json', facts)
    redraw(root, 'edn', 3)
    settings = read_json(root / 'dataset.json')['settings']
    assert settings['draw_style'] is None
    assert settings['target_draw'] == draw_facts('edn', 3, 'BODY_25')


def test_what_cannot_be_drawn_again_says_why_and_stays_as_it_was(tmp_path):
    root = dataset(tmp_path / 'me')
    before = contents(root)
    with pytest.raises(UserError, match='--draw_style edm: no such choice. Did you mean edn'):
        redraw(root, 'edm')
    write_image(root / 'train' / '000009.png', np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(UserError, match='000009.png is 8x8 px.*224x96'):
        redraw(root, 'edn')
    (root / 'train' / '000009.png').write_bytes(before['train/000009.png'])
    write_image(root / 'train' / '000099.png', np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(UserError, match='000099.png: poses.npz has no frame of that number'):
        redraw(root, 'edn')
    (root / 'train' / '000099.png').unlink()
    assert contents(root) == before and [p.name for p in tmp_path.iterdir()] == ['me']
    (root / 'poses.npz').unlink()
    with pytest.raises(UserError, match='no poses.npz.*preprocess.py --video'):
        redraw(root, 'edn')


# A run and the dataset it is given

def facts(style='openpose', line_width=4.0, skeleton='BODY_25', size=(256, 256), **more):
    return {'draw': draw_facts(style, line_width, skeleton), 'skeleton': skeleton,
            'size': list(size), **more}


@pytest.mark.parametrize('here', [
    {}, {'size': [256, 256]}, facts(), facts(line_width=4.03),
    facts(line_width=8.0, size=(512, 512)), facts() | {'draw': {'style': 'openpose',
                                                               'line_width': 4.0}}])
def test_a_dataset_drawn_alike_or_silent_about_it_is_taken(here, tmp_path):
    check_drawn_alike(facts(), here, tmp_path)
    check_drawn_alike(here, facts(), tmp_path)


@pytest.mark.parametrize('here, said', [
    (facts('edn', 2.0), 'drawn as edn, 2 px wide, but this run was trained on openpose, 4 px'),
    (facts(line_width=4.1), r'4\.1 px wide'),
    (facts(line_width=4.0, size=(512, 512)), r'--line_width 8\.0'),
    (facts() | {'draw': facts()['draw'] | {'colours': {'body': 'ff0000'}}}, 'in other colours'),
    (facts(skeleton='COCO_18'), 'COCO_18 joints, but this run was trained on BODY_25')])
def test_a_dataset_drawn_otherwise_is_refused(here, said, tmp_path):
    with pytest.raises(UserError, match=said):
        check_drawn_alike(facts(), here, tmp_path)


@pytest.mark.parametrize('mode', datasets.names())
@pytest.mark.parametrize('style', STYLES)
def test_the_command_that_a_refusal_names_makes_the_dataset_fit(style, mode, tmp_path):
    """Whichever way a dataset is read, and whatever the folder is called."""
    root = dataset(tmp_path / 'the dancer', style='openpose', line_width=5.0)
    trained = facts(style, 1.7, size=SIZE)
    opt = TestOptions().parse(['--dataroot', str(root), '--dataset_mode', mode])
    opened = lambda: datasets.find(mode)(opt, 'val', trained)
    with pytest.raises(UserError, match='preprocess.py --redraw') as refusal:
        opened()
    preprocess.main(shlex.split(re.search(r'preprocess\.py (.*)', str(refusal.value))[1]))
    assert len(opened()) == 1


def test_a_run_goes_on_only_with_poses_drawn_as_it_knows_them(tmp_path):
    root = dataset(tmp_path / 'me')
    write_record(tmp_path / 'runs' / 'me', {'dataroot': str(root)},
                 read_json(root / 'dataset.json'))
    redraw(root, 'edn')
    with pytest.raises(UserError, match='--draw_style openpose --line_width 2.0'):
        train.main(['--continue_train', '--checkpoints_dir', str(tmp_path / 'runs'), '--name',
                    'me', '--device', 'cpu', '--display_id', '0'])


@pytest.mark.parametrize('split', [{'../theirs/train': 3}, {'/etc': 1}, {'.': 1}, {'..': 1}, 3,
                                   {'train': 'x'}, {'train': -1}, ['train']])
def test_a_split_that_leads_out_of_the_dataset_is_refused(split, tmp_path):
    dataset(tmp_path / 'theirs')
    dataset(tmp_path / 'me')
    facts = read_json(tmp_path / 'me' / 'dataset.json')
    write_json(tmp_path / 'me' / 'dataset.json', facts | {'split': split})
    before = {path: path.read_bytes() for path in (tmp_path / 'theirs').rglob('*.*')}
    with pytest.raises(UserError, match=r'me/dataset\.json: split: '):
        redraw(tmp_path / 'me', 'openpose', 5.0)
    assert {path: path.read_bytes() for path in (tmp_path / 'theirs').rglob('*.*')} == before


def test_a_folder_that_is_a_link_to_other_pictures_is_not_drawn_into(tmp_path):
    dataset(tmp_path / 'theirs')
    dataset(tmp_path / 'me')
    shutil.rmtree(tmp_path / 'me' / 'train')
    (tmp_path / 'me' / 'train').symlink_to('../theirs/train')
    before = {path: path.read_bytes() for path in (tmp_path / 'theirs').rglob('*.*')}
    with pytest.raises(UserError, match='me/train leads to .*theirs/train, but only'):
        redraw(tmp_path / 'me', 'openpose', 5.0)
    assert {path: path.read_bytes() for path in (tmp_path / 'theirs').rglob('*.*')} == before
