"""Parts of body2body taken away in turn on pairs of videos."""
import shutil

import pytest

from scripts.dev import ablation, ablation_pairs
from scripts.dev.ablation_pairs import SCORES
from scripts.dev.ablation_parts import ALL, PARTS, SHOWN
from util.files import read_json, write_json
from util.images import read_image


@pytest.mark.e2e
def test_each_part_is_measured_without_truth_and_the_same_command_goes_on(
        short_videos, small_vgg, tmp_path, monkeypatch):
    videos = {name: shutil.copy(video, tmp_path / f'{name}.mp4').name
              for name, video in zip(('target', 'source'), short_videos)}
    write_json(tmp_path / 'pairs.json', [{
        'name': 'pair', **videos, 'target_args': '--size 64', 'source_args': '--end 0.5',
        'train_args': '--device cpu --no_compile', 'test_args': '--device cpu --num_test 6'}])
    out = tmp_path / 'out'
    flags = ['--pairs', str(tmp_path / 'pairs.json'), '--parts', 'parts,room', '--out', str(out)]
    found = ablation.main(flags)
    assert list(found) == [f'pair, {name}' for name in (ALL, 'parts', 'room')]
    assert all(row.keys() == set(SCORES) for row in found.values())
    text = (out / 'ablation.md').read_text()
    for name in ('parts', 'room'):
        assert f'| pair, {name} | {PARTS[name].says} |' in text
        assert read_image(out / f'pair_{name}.jpg').shape[1] % SHOWN == 0

    runs = {folder.name: folder for folder in (out / 'checkpoints').iterdir()}
    assert runs.keys() == {'target', 'target_parts'}, 'where only poses differ, one run will do'
    settings = read_json(runs['target_parts'] / 'run.json')['model']['settings']
    assert settings['parts']['limb'] == PARTS['parts'].settings.parts.limb
    fits = {folder.name: read_json(folder / 'dataset.json')['fit']
            for folder in (out / 'moves').iterdir()}
    assert 'framed' in fits['pair'] and 'framed' not in fits['pair_room']

    monkeypatch.setattr(ablation_pairs.preprocess, 'main', None)
    assert ablation.main(flags) == found
