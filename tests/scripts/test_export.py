"""scripts/export.py: what it writes paints as torch does, and takes nobody's place otherwise."""
import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_pairs, picture
from PIL import Image

import test as painting_entry
from models import models
from models.exporting import places, runtimes
from scripts import export
from util.errors import UserError
from util.noted import NOTES

PLAIN = '--device', 'cpu', '--precision', 'fp32', '--no_compile'
EXPORTED = [name for name in models.names() if models.find(name).EXPORTED]
needs_openvino = pytest.mark.skipif(not places.find_spec('openvino'), reason='needs openvino')
FORMATS = ['onnx', pytest.param('openvino', marks=needs_openvino)]


def exports(folder, *flags):
    """Export the run in a folder; the files."""
    return export.main(['--name', folder.name, '--checkpoints_dir', str(folder.parent), *flags])


def painted(folder, *flags):
    """float (N, H, W, 3): what test.py paints with the run in a folder."""
    runtime = PLAIN if '--runtime' not in flags else ()
    page = painting_entry.main(['--name', folder.name, '--checkpoints_dir', str(folder.parent),
                                '--results_dir', str(folder.parent / 'r'), '--no_video',
                                '--metrics', 'none', *runtime, *flags])
    files = sorted((page.parent / 'images').glob('*_fake_B.png'))
    return np.stack([np.asarray(Image.open(file), float) for file in files])


def bytes_of(folder):
    """{name: bytes} of all files of a folder that are not notes."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != '.'}


@pytest.fixture(scope='module')
def ready(one_step, tmp_path_factory):
    """A run of one step, of pix2pix with dropout, that was exported; not to be changed."""
    folder = tmp_path_factory.mktemp('ready') / 'me'
    shutil.copytree(one_step, folder)
    exports(folder)
    return folder


@pytest.fixture
def exported(ready, tmp_path):
    """The same, to be changed."""
    return shutil.copytree(ready, tmp_path / 'runs' / 'me')


@pytest.mark.parametrize('name', EXPORTED)
def test_every_model_paints_with_what_was_exported_as_with_torch(name, run, capsys):
    run('--model', name, '--max_steps', '2')
    files = exports(run.folder)
    said = capsys.readouterr().out
    assert files and models.find(name).EXPORTED in said and 'times as fast' in said
    for file in files:
        about = runtimes.OnnxRuntime(file).facts
        assert about['model'] == name and about['run'] == 'me' and len(about['weights']) == 64
    torchs = painted(run.folder)
    assert np.abs(painted(run.folder, '--runtime', 'onnx') - torchs).max() <= 1
    assert '| onnx' in capsys.readouterr().out
    record = json.loads((run.folder.parent / 'r/me/latest_val/painting.json').read_text())
    assert record['device'].endswith('| onnx')


@pytest.mark.parametrize('name', sorted(set(models.names()) - set(EXPORTED)))
def test_a_model_without_a_network_is_refused_in_one_sentence(name, run):
    run('--model', name)
    with pytest.raises(UserError, match=f'--model {name} has no network.*pix2pix'):
        exports(run.folder)
    with pytest.raises(UserError, match=f'--model {name} has no network'):
        painted(run.folder, '--runtime', 'onnx')
    assert not (run.folder / 'export').exists()


@pytest.mark.parametrize('kind', FORMATS)
@pytest.mark.parametrize('batch_size, flags', [('1', []), ('1', ['--eval']), ('2', [])])
def test_batch_norm_is_exported_as_test_py_has_it(kind, batch_size, flags, run):
    run('--batch_size', batch_size, '--max_steps', '4')     # unet_128 has dropout too
    exports(run.folder, '--format', kind, *flags)
    same = painted(run.folder, *flags)
    there = painted(run.folder, '--runtime', kind, *flags)
    assert np.abs(there - same).max() <= 1
    if batch_size == '1':
        other = [] if flags else ['--eval']
        assert np.abs(painted(run.folder, *other) - same).max() > 2, 'the two ways differ here'
        with pytest.raises(UserError, match=r'normalizes with the statistics.*scripts/export\.py'):
            painted(run.folder, '--runtime', kind, *other)


def test_averaged_weights_are_exported_where_they_paint(run):
    run('--ema', '0.5', '--max_steps', '4')
    exports(run.folder)
    assert np.abs(painted(run.folder, '--runtime', 'onnx') - painted(run.folder)).max() <= 1
    with pytest.raises(UserError, match='other weights'):
        painted(run.folder, '--runtime', 'onnx', '--no_ema')


def test_weights_that_were_trained_on_are_refused_with_the_command_to_type(trained):
    exports(trained.folder)
    trained('--continue_train', '--max_steps', '2')
    with pytest.raises(UserError, match=r'latest_G\.onnx: was exported from other weights.*'
                                        r'scripts/export\.py --name me --checkpoints_dir .*onnx'):
        painted(trained.folder, '--runtime', 'onnx')
    exports(trained.folder)         # the older export is ours to replace
    painted(trained.folder, '--runtime', 'onnx')


def test_what_was_not_exported_is_named_before_any_work(trained, monkeypatch):
    with pytest.raises(UserError, match=r'latest_G\.onnx is missing.*python scripts/export\.py'):
        painted(trained.folder, '--runtime', 'onnx')
    for call, flag in ((painted, '--runtime'), (exports, '--format')):
        with pytest.raises(UserError, match='no such checkpoint. There is me'):
            call(trained.folder.with_name('nobody'), flag, 'onnx')
    monkeypatch.setattr(places, 'find_spec', lambda name: None)
    for call, flag in ((painted, '--runtime'), (exports, '--format')):
        with pytest.raises(UserError, match='openvino is not installed.*pip install openvino=='):
            call(trained.folder, flag, 'openvino')


def test_an_untrained_run_that_paints_without_a_network_is_refused_before_any_work(
        run, monkeypatch, capsys):
    run('--model', 'body2body', '--max_minutes', '0')
    capsys.readouterr()
    monkeypatch.setattr(places, 'find_spec', lambda name: None)     # nor is a package asked for
    monkeypatch.setattr(models.find('body2body'), 'load_weights', None)
    for kind in ('onnx', 'openvino'):
        with pytest.raises(UserError, match=r'me is not trained and paints without a network.*'
                                            r'train\.py --name me .*--max_minutes 20'):
            exports(run.folder, '--format', kind)
    assert 'comparing' not in capsys.readouterr().out
    assert not (run.folder / 'export').exists()


@pytest.mark.parametrize('flags', [('--device', 'cuda'), ('--gpu_ids', '0'),
                                   ('--precision', 'bf16')])
def test_what_an_exported_network_cannot_do_is_refused(flags, ready):
    with pytest.raises(UserError, match=f'{flags[0]} {flags[1]}.*Leave {flags[0]} out'):
        painted(ready, '--runtime', 'onnx', *flags)


def test_a_file_that_is_no_network_is_named(exported):
    (exported / 'export/latest_G.onnx').write_bytes(b'nothing')
    (exported / 'export' / NOTES).unlink()      # as of a copy without them
    with pytest.raises(UserError, match=r'latest_G\.onnx: cannot be read'):
        painted(exported, '--runtime', 'onnx')


def test_a_flipped_bit_of_the_weights_is_found(exported):
    """Neither format has a checksum; the notes next to the files have one. The time of the file's
    last change says nothing: a disk that forgets does not set it."""
    file = exported / 'export/latest_G.onnx'
    data, times = bytearray(file.read_bytes()), file.stat()
    data[len(data) // 2] ^= 64
    file.write_bytes(data)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(UserError, match=r'latest_G\.onnx: was changed or damaged after the export.*'
                                        r'Delete it and export it again: python scripts/export'):
        painted(exported, '--runtime', 'onnx')
    file.unlink()
    exports(exported)
    painted(exported, '--runtime', 'onnx')


def test_a_failed_comparison_writes_nothing_and_keeps_what_there_was(exported, monkeypatch):
    before = bytes_of(exported / 'export')
    monkeypatch.setattr('evaluation.parity.LARGEST', -1.0)
    with pytest.raises(UserError, match='differs by .* between torch and onnx.*nothing was'):
        exports(exported)
    assert bytes_of(exported / 'export') == before
    shutil.rmtree(exported / 'export')
    with pytest.raises(UserError, match='differs by'):
        exports(exported)
    assert not (exported / 'export').exists()


def test_networks_that_are_exported_wrongly_are_found(exported, monkeypatch):
    """Dropout left on, or batch norm with the statistics of training: others' mistakes."""
    from models.exporting import write
    for wrong in (lambda network: network.train(), lambda network: network.eval()):
        monkeypatch.setattr(write, 'exportable', lambda network, wrong=wrong: wrong(
            with_statistics_of_training(network)))
        with pytest.raises(UserError, match='differs by'):
            exports(exported)


def with_statistics_of_training(network):
    """A copy whose batch norm does not use each image's own."""
    from copy import deepcopy
    copy = deepcopy(network)
    for layer in copy.modules():
        layer.by_sample = False
    return copy


@pytest.mark.parametrize('name', ['latest_G.onnx', 'latest_onnx.png'])
def test_a_users_own_file_is_neither_replaced_nor_removed(name, trained, capsys):
    (trained.folder / 'export').mkdir()
    mine = trained.folder / 'export' / name
    mine.write_text('mine')
    with pytest.raises(UserError, match=f'{name}: is there already'):
        exports(trained.folder)
    assert mine.read_text() == 'mine' and bytes_of(mine.parent).keys() == {name}
    assert 'comparing' not in capsys.readouterr().out, 'refused before the work'


def test_overwriting_a_run_removes_its_exports_and_nothing_else(exported, run):
    shutil.copytree(exported, run.folder)
    mine = run.folder / 'export' / 'latest_G.int8.onnx'         # made of the exported one
    mine.write_text('mine')
    for _ in range(2):
        run('--overwrite', '--max_steps', '1')
        assert bytes_of(mine.parent) == {mine.name: b'mine'}


def test_a_run_whose_dataset_is_gone_is_compared_on_drawn_figures(one_step, tmp_path, capsys):
    folder = shutil.copytree(one_step, tmp_path / 'me')
    record = json.loads((folder / 'run.json').read_text())
    record['options']['dataroot'] = str(tmp_path / 'gone')
    (folder / 'run.json').write_text(json.dumps(record))
    assert exports(folder)
    assert 'gone is not there: comparing on drawn figures' in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != 'linux', reason='names there are text')
def test_a_run_whose_name_is_not_utf8_is_exported_and_painted_with(ready, tmp_path):
    folder = shutil.copytree(ready, tmp_path / os.fsdecode(b'caf\xe9'))
    exports(folder)
    assert np.abs(painted(folder, '--runtime', 'onnx') - painted(folder)).max() <= 1


def test_the_picture_shows_pose_torch_runtime_and_difference(ready):
    shown = np.asarray(Image.open(ready / 'export/latest_onnx.png'))
    assert shown.shape == (3 * 32, 4 * 32, 3)
    first = picture(0)[:, :32]
    assert np.array_equal(shown[:32, :32], first)
    assert np.abs(shown[:32, 32:64].astype(int) - shown[:32, 64:96]).max() <= 1


def test_the_picture_magnifies_differences(tmp_path):
    from evaluation.parity import MAGNIFIED, Painting, difference, write_picture
    grey = np.full((8, 8, 3), 100, np.uint8)
    ours, theirs = Painting([grey], [grey]), Painting([grey], [grey + np.uint8(2)])
    write_picture(tmp_path / 'p.png', ours, theirs)
    shown = np.asarray(Image.open(tmp_path / 'p.png'))
    assert (shown[:, 24:] == 2 * MAGNIFIED).all() and (shown[:, 16:24] == 102).all()
    assert difference(ours.pictures, theirs.pictures) == 2


@pytest.mark.parametrize('size', [(32, 32), (50, 34)])
def test_one_export_paints_any_size(size, ready, tmp_path):
    root = make_pairs(tmp_path / 'odd', *size, train=1, val=1)
    there = painted(ready, '--runtime', 'onnx', '--dataroot', str(root))
    assert np.abs(there - painted(ready, '--dataroot', str(root))).max() <= 1


def test_everybody_dance_now_is_exported_in_its_first_stage_too(run):
    run('--model', 'everybody_dance_now', '--max_steps', '1', '--netG', 'local',
        '--n_downsample_global', '2', '--n_blocks_global', '1', '--n_blocks_local', '1')
    files = {file.name for file in exports(run.folder)}
    assert files == {'latest_G.model.onnx', 'latest_Gcoarse.onnx'}
    assert np.abs(painted(run.folder, '--runtime', 'onnx') - painted(run.folder)).max() <= 1


@needs_openvino
def test_openvino_asks_no_host_whether_it_may_run():
    runtimes.import_openvino()
    assert sys.modules.get('openvino_telemetry') is None


@pytest.mark.e2e
def test_a_live_session_paints_with_what_was_exported(prepared, demo_videos, small, tmp_path,
                                                      capsys):
    import train
    import webcam
    train.main(['--dataroot', str(prepared), '--name', 'me', '--checkpoints_dir', str(tmp_path),
                '--no_html', *small, '--max_steps', '1'])
    live = ['--name', 'me', '--checkpoints_dir', str(tmp_path), '--camera', str(demo_videos[1]),
            '--results_dir', str(tmp_path / 'r'), '--to', 'null', '--quality', 'least',
            '--runtime', 'onnx']
    with pytest.raises(UserError, match='is missing'):
        webcam.main(live)
    exports(tmp_path / 'me')
    figures = webcam.main(live)
    assert '| onnx' in capsys.readouterr().out and figures['fps']['paint'] > 0


def test_the_program_in_the_documents_paints(ready, tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / 'docs/export.md').read_text()
    block, = re.findall(r'^```python\n(.*?)^```', page, re.M | re.S)
    root = make_pairs(tmp_path / 'datasets/me', 128, 128, train=1, val=1)
    shutil.copytree(ready, tmp_path / 'checkpoints/me')
    monkeypatch.chdir(tmp_path)
    exec(block, {})
    there = np.asarray(Image.open(tmp_path / 'painted.png'), float)
    there_too = painted(ready, '--dataroot', str(root), '--phase', 'train')[0]
    assert np.abs(there - there_too).max() <= 1
    assert len(block.splitlines()) <= 11


def test_the_run_itself_stays_as_it_was(one_step, ready):
    names = {path.name for path in one_step.iterdir()}
    assert {path.name for path in ready.iterdir()} == names | {'export'}
    weights = torch.load(ready / 'latest_net_G.pth', weights_only=True)
    assert weights.keys() == torch.load(one_step / 'latest_net_G.pth', weights_only=True).keys()
