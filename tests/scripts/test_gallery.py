"""The gallery trains and paints each recipe, then makes one table, one video and one page."""
import json
import os
import re
from itertools import pairwise

import cv2
import numpy as np
import pytest

from models import models
from scripts import gallery, processes
from scripts.gallery_page import STRIP, cell_size, columns_of, named
from tests.conftest import picture
from util.errors import UserError
from util.noted import NOTES
from util.video import probe, read_frames

TINY = ['--minutes', '1', '--train_args', '--max_steps 2 --ngf 4 --no_compile --device cpu']


@pytest.fixture
def argv(pairs, tmp_path, monkeypatch):
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path / 'nothing'))      # LPIPS is slow
    return ['--dataroot', str(pairs()), '--checkpoints_dir', str(tmp_path / 'ck'),
            '--results_dir', str(tmp_path / 're'), *TINY]


def test_every_model_is_shown_by_a_recipe():
    shown = {re.search(r'--model (\S+)', flags)[1] for flags in gallery.RECIPES.values()}
    assert set(models.names()) - gallery.NOT_SHOWN == shown


@pytest.mark.slow
@pytest.mark.e2e
def test_a_page_a_table_and_a_film_of_all_and_what_fails_is_listed(argv, monkeypatch, capsys):
    monkeypatch.setitem(gallery.RECIPES, 'broken', '--model pix2pix --batch_size 0')
    monkeypatch.setattr(gallery, 'vgg_is_here', lambda: False)
    argv += ['--recipes', 'broken,vanilla,nearest_bones']
    page = gallery.main(argv)
    kept = json.loads((page.parent / 'gallery.json').read_text())
    rows = {row['recipe']: row for row in kept['recipes']}
    assert set(rows) == {'broken', 'vanilla', 'nearest_bones'}
    assert list(rows)[-1] == 'broken'
    assert rows['broken']['error'] == '--batch_size 0: give 1 or more.'

    for name in ('vanilla', 'nearest_bones'):
        row = rows[name]
        assert row['seconds_a_frame'] > 0 and row['frames'] == 3 and row['train_memory'] > 50
    assert rows['nearest_bones']['l1'] == 0 < rows['vanilla']['l1'], 'these frames are in its index'
    assert rows['vanilla']['parameters'] > rows['nearest_bones']['parameters'] == 0
    best = [row['box_ssim'] for row in rows.values() if 'error' not in row]
    assert all(a >= b for a, b in pairwise(best))

    text, printed = page.read_text(), capsys.readouterr().out
    for name in rows:
        assert f'<td>{name}</td>' in text and re.search(rf'^\| {name}', printed, re.M)
    assert 'gallery.mp4' in text and rows['broken']['error'] in text
    film = probe(page.parent / 'gallery.mp4')
    assert film.frames == 3 and film.fps == pytest.approx(25, rel=0.01)
    assert film.size == (4 * 192, 192 + 30)
    truth = cv2.resize(picture(0)[:, 32:], (192, 192))
    shown = next(read_frames(page.parent / 'gallery.mp4')).image[30:, 192:384]
    assert np.abs(shown.astype(int) - truth).mean() < 4, 'the truth stands second'

    monkeypatch.setattr(processes, 'call_script', lambda script, *more: pytest.fail(
        f'{script} was called again'))
    monkeypatch.delitem(gallery.RECIPES, 'broken')
    again = gallery.main([*argv[:-1], 'vanilla,nearest_bones'])
    assert again == page and 'broken' not in page.read_text()
    with pytest.raises(UserError, match='other flags.*--overwrite'):
        gallery.main([*argv[:-1], 'vanilla', '--minutes', '2'])
    for name in (NOTES, 'gallery.json'):
        (page.parent / name).unlink()
    with pytest.raises(UserError, match='gallery.mp4: is there already'):
        gallery.main([*argv[:-1], 'vanilla'])
    for record in page.parents[2].rglob('gallery.json'):
        record.unlink()
    with pytest.raises(UserError, match='holds a run that is not of this gallery'):
        gallery.main([*argv[:-1], 'vanilla,nearest_bones'])


def test_the_best_by_a_score_that_all_have_comes_first_and_failed_recipes_last():
    a, b, failed = {'box_lpips_alex': 0.3, 'box_ssim': 0.5}, {'box_ssim': 0.6}, {'error': 'no'}
    assert gallery.ranked([failed, a, b]) == [b, a, failed]
    assert gallery.ranked([a, b | {'box_lpips_alex': 0.4}])[0] == a


def test_without_vgg_weights_a_recipe_trains_without_that_loss_and_says_so(argv, monkeypatch):
    called = []

    def call_script(script, argv, *more):
        called.append([script, *argv])
        raise UserError('stopped')
    monkeypatch.setattr(processes, 'call_script', call_script)
    for here in (False, True):
        monkeypatch.setattr(gallery, 'vgg_is_here', lambda here=here: here)
        page = gallery.main([*argv, '--recipes', 'pix2pixHD,pix2pix', '--name', f'g{here}'])
        assert ('without its perceptual loss' in page.read_text()) is not here
    assert ['--no_vgg_loss' in words for words in called] == [True, False, False, False]


def test_impossible_flags_are_refused_before_anything_is_trained(argv, monkeypatch):
    monkeypatch.setattr(processes, 'call_script', lambda script, *more: pytest.fail(
        f'{script} was called'))
    with pytest.raises(UserError, match='Did you mean pix2pix'):
        gallery.main([*argv, '--recipes', 'pix2pics'])
    with pytest.raises(UserError, match='--ngff.*none of these recipes'):
        gallery.main([*argv[:-1], '--ngff 3'])
    with pytest.raises(UserError, match='--minutes 0'):
        gallery.main([*argv, '--minutes', '0'])
    with pytest.raises(UserError, match='a run has a plain name'):
        gallery.main([*argv, '--name', '../elsewhere'])


def test_the_rows_of_the_video_are_equally_full():
    assert [columns_of(n, 256) for n in (3, 8, 9, 12)] == [3, 8, 5, 6]
    assert columns_of(12, 512) == 4


def test_a_cell_is_no_higher_than_a_screen_and_wide_enough_for_a_name():
    assert cell_size((256, 256)) == (256, 256) and cell_size((64, 64)) == (192, 192)
    assert cell_size((720, 1264)) == (307, 539) and cell_size((1280, 720)) == (512, 288)
    assert cell_size((100, 1000)) == (192, 1920), 'a name needs its width'


@pytest.mark.parametrize('name', ['me', '踊り', os.fsdecode(b'caf\xe9'), 'two\nlines'])
def test_a_frame_gets_the_name_of_its_run_whatever_that_is(name):
    strip = named(np.zeros((8, 64, 3), np.uint8), name)[:STRIP]
    assert strip.shape == (STRIP, 64, 3) and strip.max() > 200
