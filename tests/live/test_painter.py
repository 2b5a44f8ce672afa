"""Every model paints the poses of a live session, one after another, from the past alone."""
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL, fitting, joints, make_pairs

import train as training
from data.facts import trained_facts
from live import painter as painter_module
from live.frames import Captured, Posed
from live.painter import LivePainter
from live.quality import QUALITIES, Quality
from models import models
from models.engine import choose_engine
from options.test_options import TestOptions
from pose.draw import draw_facts, labels_of
from util.errors import UserError
from util.files import write_json

SIDE = 64
BEST = QUALITIES[0]


def made(folder, model, style='openpose', *flags):
    """A run of one step, or untrained, of a dataset that says how it is drawn; its folder."""
    root = make_pairs(folder / 'toy', SIDE, SIDE, train=16, val=3)
    if style == 'pix2pixhd_labels':
        make_labels(root)
    write_json(root / 'dataset.json', {'size': [SIDE, SIDE], 'layout': 'pairs',
                                       'skeleton': 'BODY_25',
                                       'draw': draw_facts(style, 4.0, 'BODY_25')})
    steps = ('--max_steps', '1') if models.find(model).TRAINS else ()
    training.main(['--dataroot', str(root), '--name', 'me', '--checkpoints_dir',
                   str(folder / 'ck'), '--model', model, '--no_html',
                   *fitting(model, *SMALL, '--no_vgg_loss'), *steps, *flags])
    return folder / 'ck' / 'me'


def make_labels(root):
    """Label numbers in place of drawn poses."""
    import cv2
    for file in root.glob('*/*.png'):
        pair = cv2.imread(str(file))
        pair[:, :SIDE] = pair[:, :SIDE].max(2, keepdims=True) % labels_of('BODY_25')
        cv2.imwrite(str(file), pair)


@pytest.fixture(scope='session')
def runs(small_vgg, tmp_path_factory):
    """runs(model, style, *flags) is the folder of a run, made once."""
    folders: dict[tuple, Path] = {}

    def run(model, style='openpose', *flags):
        key = model, style, *flags
        if key not in folders:
            folders[key] = made(tmp_path_factory.mktemp(model), model, style, *flags)
        return folders[key]
    return run


def options(folder, *flags):
    return TestOptions().parse(['--name', folder.name, '--checkpoints_dir', str(folder.parent),
                                '--dataroot', 'none', '--device', 'cpu', '--precision', 'fp32',
                                *flags])


def live(folder, background='own', quality=BEST, *flags):
    opt = options(folder, *flags)
    facts = trained_facts(folder)
    LivePainter.check(models.find(opt.model), opt, facts, background)
    model = models.find(opt.model)(opt, choose_engine('cpu', precision='fp32'))
    model.load_weights(folder, 'latest')
    return LivePainter(model, facts, background, quality)


def posed(seq, pose, time=None, image=None, scale=None):
    image = np.full((48, 80, 3), 77, np.uint8) if image is None else image
    captured = Captured(seq, seq / 25 if time is None else time, image)
    return Posed(captured, None, pose, None, 'BODY_25', scale)


def sequence(count=4):
    return [posed(i, joints(i, SIDE)) for i in range(count)]


@pytest.mark.parametrize('name', models.names())
def test_every_model_paints_poses_as_they_come_and_nobody_between_them(name, runs):
    painter = live(runs(name))
    pictures = [painter(one) for one in sequence()]
    nobody = painter(posed(4, None))
    for picture in [*pictures, nobody, painter(posed(5, joints(5, SIDE)))]:
        assert picture.shape == (painter.size[1], painter.size[0], 3)
        assert picture.dtype == np.uint8 and not any(side % 2 for side in painter.size)
    assert any(not np.array_equal(picture, nobody) for picture in pictures)
    again = live(runs(name))
    for one, picture in zip(sequence(), pictures):
        assert np.array_equal(again(one), picture)


@pytest.mark.parametrize('name', models.names())
def test_every_model_paints_smaller_and_another_size_later(name, runs):
    painter = live(runs(name), 'own', Quality('small', 40, 1, False, 1))
    assert painter.size == (40, 40)
    assert painter(sequence()[0]).shape == (40, 40, 3)
    painter.quality = Quality('large', 4000, 2, True, 1)
    assert painter.size == (SIDE, SIDE)
    assert painter(sequence()[1]).shape == (SIDE, SIDE, 3)


def test_a_run_of_label_maps_is_given_label_maps(runs):
    painter = live(runs('pix2pixHD', 'pix2pixhd_labels', '--no_instance'))
    assert painter.model.opt.label_nc == labels_of('BODY_25')
    batch = painter.batch(joints(0, SIDE), 'a')
    numbers = np.unique(((batch['A'] + 1) * 127.5).round().numpy())
    assert 0 in numbers and len(numbers) > 1 and numbers.max() < painter.model.opt.label_nc
    assert painter(sequence()[0]).shape == (SIDE, SIDE, 3)


def test_a_model_that_follows_its_frame_before_is_given_it_until_a_pose_is_missing(runs,
                                                                                   monkeypatch):
    painter = live(runs('everybody_dance_now'))
    given = []
    paint = painter.model.paint_film
    monkeypatch.setattr(painter.model, 'paint_film',
                        lambda batch, before=None: given.append(before) or paint(batch, before))
    first, second, *_ = sequence()
    painter(first)
    painter(second)
    painter(posed(2, None))
    painter(posed(3, joints(3, SIDE)))
    painter(posed(4, joints(4, SIDE), time=3 / 25 + painter_module.GAP + 0.01))
    assert [before is None for before in given] == [True, False, True, True]


def test_body2body_takes_a_share_of_the_picture_before(runs, monkeypatch):
    painter = live(runs('body2body'))
    taken = []

    def blend(batch, painted, batch_before, before):
        taken.append((batch['A_paths'], batch_before['A_paths'], before))
        return painted
    monkeypatch.setattr(painter.model, 'blend_previous', blend)
    first, second, third, fourth = sequence()
    painter(first)
    kept = painter.last.painted
    painter(second)
    painter(posed(2, None))
    painter(third)
    painter(fourth)
    assert [pair[:2] for pair in taken] == [(['live 1'], ['live 0']), (['live 3'], ['live 2'])]
    assert taken[0][2] is kept


def test_a_pose_without_a_torso_before_any_other_shows_nobody(runs):
    for name in ('body2body', 'nearest'):
        painter = live(runs(name))
        nobody = painter(posed(0, None))
        assert np.array_equal(painter(posed(1, np.zeros((25, 3), np.float32))), nobody)


def test_the_person_stands_before_green_and_before_the_camera(runs):
    plain = Quality('plain', SIDE, 3, False, 1)         # an untrained network is sure of nothing
    painter = live(runs('body2body'), 'green', plain)
    one = sequence()[0]
    own = live(runs('body2body'), 'own', plain)(one).astype(int)
    green = painter(one).astype(int)
    alpha = painter.model.alpha(painter.last.painted)
    there, absent = alpha > 252, alpha < 3
    assert there.sum() > 20 and absent.sum() > SIDE * SIDE / 2
    assert abs(green[absent] - (0, 255, 0)).max() < 4
    assert abs(green[there] - own[there]).max() < 4
    assert (painter(posed(1, None)) == (0, 255, 0)).all()
    names = [painter.next_background() for _ in range(3)]
    assert names == ['own', 'source', 'green']
    painter.next_background()
    assert np.array_equal(painter(posed(2, None)), painter.nobody)
    painter.next_background()
    assert (painter(posed(3, None)) == 77).all()


def test_a_background_that_a_model_cannot_have_is_refused_before_it_is_loaded(runs, tmp_path):
    opt = options(runs('pix2pix'))
    facts = trained_facts(runs('pix2pix'))
    for background in ('green', 'camera', str(tmp_path / 'none.png')):
        with pytest.raises(UserError, match='--model pix2pix .*--background own'):
            LivePainter.check(models.find('pix2pix'), opt, facts, background)
    with pytest.raises(UserError, match='none.png: there is no such file.*own, source, green'):
        LivePainter.check(models.find('body2body'), opt, facts, str(tmp_path / 'none.png'))


def test_a_run_that_needs_more_than_poses_is_refused(runs):
    opt = options(runs('pix2pix'))
    facts = trained_facts(runs('pix2pix'))
    kind = models.find('pix2pix')
    with pytest.raises(UserError, match='BtoA'):
        LivePainter.check(kind, opt.but(direction='BtoA'), facts, 'own')
    with pytest.raises(UserError, match='preprocess.py'):
        LivePainter.check(kind, opt, {}, 'own')
    with pytest.raises(UserError, match='instance maps'):
        LivePainter.check(models.find('pix2pixHD'), opt.but(no_instance=False), facts, 'own')


def test_qualities_leave_out_what_changes_nothing(runs):
    sizes = [quality.size for quality in live(runs('pix2pix')).qualities]
    assert max(sizes) <= SIDE
    kept = [(q.size, q.num_frames, q.network, q.every) for q in live(runs('pix2pix')).qualities]
    assert len(set(kept)) == len(kept) < len(QUALITIES)


def test_what_the_next_pose_may_need_is_made_while_none_waits(runs):
    painter = live(runs('body2body'))
    assert painter.prepare() is False           # no pose yet says what
    painter(sequence()[0])
    assert painter.prepare() is True
    for _ in range(200):
        if not painter.prepare():
            break
    assert painter.prepare() is False
    assert live(runs('pix2pix')).prepare() is False


def test_one_thread_paints(runs):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        live(runs('nearest'))(sequence()[0])
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_quality_that_is_asked_for_says_what_there_is_of_it(runs):
    painter = live(runs('pix2pix'))
    least = painter.limited(QUALITIES[0])
    assert (least.name, least.size, least.num_frames) == ('best', min(painter.largest), 1)


def test_other_qualities_of_a_run_search_its_parts_no_second_time(runs, monkeypatch):
    painter = live(runs('body2body'))
    monkeypatch.setattr('models.warping.shots.LiveParts', None)         # it must not be called
    for quality in painter.qualities:
        painter.quality = quality
