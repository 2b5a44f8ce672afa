"""A record may describe networks of any size; only those that the run has weights of are made."""
import json
from argparse import Namespace

import pytest

import test as painting
import train as training
from models.limits import most_weights, no_larger_than_saved
from util import owned
from util.errors import UserError, is_out_of_memory

TINY = ['--model', 'pix2pix', '--netG', 'resnet_6blocks', '--ngf', '4', '--ndf', '4',
        '--device', 'cpu', '--display_id', '0', '--no_html']


def test_a_record_makes_no_network_larger_than_the_weights(pairs, tmp_path):
    root = str(pairs())
    run = ['--name', 'me', '--checkpoints_dir', str(tmp_path / 'ck'), '--device', 'cpu']
    training.main(['--dataroot', root, *run, *TINY, '--max_steps', '1'])
    file = tmp_path / 'ck' / 'me' / 'run.json'
    record = json.loads(file.read_text())
    record['options']['ngf'] = 128                      # a thousand times as many weights
    file.write_text(json.dumps(record))
    paints = ['--dataroot', root, *run, '--results_dir', str(tmp_path / 'res'), '--metrics', 'none',
              '--no_video']
    with pytest.raises(UserError, match=r'latest_net_G\.pth: .*which have more weights.*--ngf 4'):
        painting.main(paints)
    painting.main([*paints, '--ngf', '4'])


def painted(folder):
    """The options of a run named me in that folder."""
    return Namespace(isTrain=False, epoch='latest', checkpoints_dir=str(folder), name='me')


def test_the_weights_of_a_save_that_was_stopped_midway_are_those_that_count(tmp_path, monkeypatch):
    (tmp_path / 'me').mkdir()
    for name in ('latest_net_G.pth', 'latest_net_G_ema.pth'):
        (tmp_path / 'me' / name).write_bytes(bytes(10))
    monkeypatch.setattr(owned, '_move', stopped)
    with pytest.raises(KeyboardInterrupt), owned.replacing(
            tmp_path / 'me', lambda: {'latest_net_G.pth', 'latest_net_G_ema.pth'},
            notes=False) as new:
        (new / 'latest_net_G.pth').write_bytes(bytes(400))
        (new / 'latest_net_D.pth').write_bytes(bytes(20))
    assert most_weights(painted(tmp_path)) == (400 + 20) / 2


@pytest.mark.parametrize('is_trained, advice', [
    (True, 'Give a smaller --ngf or --ndf'), (False, 'paint with a run of a smaller --ngf')])
def test_without_memory_only_flags_that_there_are_are_advised(is_trained, advice, tmp_path):
    opt = Namespace(isTrain=is_trained, continue_train=False, epoch='latest', name='me',
                    checkpoints_dir=str(tmp_path))
    with pytest.raises(UserError, match=advice), no_larger_than_saved(opt):
        raise MemoryError


def stopped(*given):
    raise KeyboardInterrupt


@pytest.mark.parametrize('words', [
    "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",    # on Linux
    'DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes',        # on Windows
    'CUDA out of memory. Tried to allocate 9 GiB'])
def test_whatever_torch_calls_no_memory_is_one_sentence(words, tmp_path):
    assert is_out_of_memory(RuntimeError(words))
    with pytest.raises(UserError, match='not enough memory .*smaller --ngf'), \
            no_larger_than_saved(painted(tmp_path)):
        raise RuntimeError(words)
