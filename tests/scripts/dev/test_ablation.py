"""Each part of body2body taken away in turn."""
import numpy as np
import pytest

from models.warping.settings import from_record, recorded
from scripts.dev import ablation
from scripts.dev.ablation_parts import ALL, PARTS, TODAY
from util.errors import UserError
from util.images import read_image, size_of, write_image


@pytest.mark.parametrize('name', sorted(set(PARTS) - {ALL}))
def test_every_part_changes_the_settings_or_the_flags(name):
    part = PARTS[name]
    assert part.flags or part.settings != TODAY or part.is_of_moves
    assert from_record(TODAY, recorded(part.settings)) == part.settings


def grained(root):
    """Give each frame grain of its own: frames of one flat colour are the same when blended."""
    random = np.random.default_rng(0)
    for path in sorted((root / 'train').glob('*.png')):
        pair = read_image(path).astype(int)
        pair[:, 64:] += random.integers(-12, 13, (64, 64, 3))
        write_image(path, pair.clip(0, 255).astype(np.uint8))


def test_every_part_is_measured_and_shown_beside_all_of_it(pairs, small, tmp_path, capsys,
                                                           monkeypatch):
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path / 'nothing'))      # LPIPS is slow
    root = pairs(64, 64, train=60, val=4)
    grained(root)
    found = ablation.main(['--dataroot', str(root), '--out', str(tmp_path / 'out'), '--every', '2',
                           '--parts', 'bend,frames,temporal'])
    assert list(found) == [ALL, 'frames', 'bend', 'temporal']
    assert found['temporal']['warp_error'] != found[ALL]['warp_error']
    assert all(0 < row['box_ssim'] < 1 and row['warp_error'] > 0 for row in found.values())
    text = (tmp_path / 'out' / 'ablation.md').read_text()
    assert text in capsys.readouterr().out
    for name in ('frames', 'bend', 'temporal'):
        assert f'| {name} | {PARTS[name].says} |' in text
        shown = read_image(tmp_path / 'out' / f'{name}.jpg')
        assert size_of(shown) == (2 * 64, 4 * (64 + 30))
    assert not (tmp_path / 'out' / 'ablation').exists()
    truth = read_image(next((root / 'val').glob('*1.png')))[:, 64:]
    assert np.abs(shown[64 + 60:64 + 60 + 64, :64].astype(int) - truth).mean() < 12


def test_a_run_of_that_name_that_is_somebody_elses_is_left_alone(pairs, tmp_path):
    root = pairs(64, 64, train=2, val=1)
    (tmp_path / 'ablation').mkdir()
    (tmp_path / 'ablation' / 'run.json').write_text('{}')
    with pytest.raises(UserError, match='ablation: is there already'):
        ablation.main(['--dataroot', str(root), '--out', str(tmp_path)])
    assert (tmp_path / 'ablation' / 'run.json').is_file()


def test_what_only_training_has_is_left_out_before_any(tmp_path):
    seen = [name for name, part in PARTS.items() if not part.is_of_moves]
    untrained = ablation.options(['--dataroot', 'x']).parts
    assert untrained == [name for name in seen if not PARTS[name].trains]
    assert ablation.options(['--dataroot', 'x', '--minutes', '1']).parts == seen


@pytest.mark.parametrize('argv, told', [(['--parts', 'mirrors'], 'Did you mean mirror?'),
                                        (['--parts', 'room'], 'Give --pairs'),
                                        (['--every', '0'], 'give 0 or more'),
                                        ([], 'no such folder')])
def test_bad_input_gets_one_sentence(argv, told, tmp_path):
    with pytest.raises(UserError, match=told.replace('?', '.')):
        ablation.main(['--dataroot', str(tmp_path), *argv])
