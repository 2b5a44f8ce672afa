"""Checkpoints that are damaged, or that other programs wrote, are read right or refused by name."""
import resource
import shutil
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

import test as painting_entry
from models.base_model import BaseModel
from models.networks import define_G
from scripts.dev.faults import harms
from tests.saved import equal, weights
from util import checkpoints
from util.errors import UserError


def test_every_flipped_bit_of_a_tensor_is_found(tmp_path):
    """torch reads such a file without a word; the checksums of its zip know."""
    path = tmp_path / 'latest_net_G.pth'
    weights = torch.randn(64, 64)
    torch.save({'weight': weights}, path)
    whole = path.read_bytes()
    start = whole.index(weights.numpy().tobytes())
    rng = np.random.default_rng(0)
    for place in rng.integers(start, start + weights.nbytes, 50):
        hurt = bytearray(whole)
        hurt[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(hurt)
        with pytest.raises(UserError, match=r'latest_net_G\.pth: is damaged \(Bad CRC'):
            checkpoints.read(path)


def test_no_flipped_bit_anywhere_is_read_as_something_else(tmp_path):
    path = tmp_path / 'latest_net_G.pth'
    torch.save({'weight': torch.randn(5, 3), 'step': 7}, path)
    whole, right = path.read_bytes(), checkpoints.read(path)
    folder = 8 * (whole.rindex(b'PK\x01\x02', 0, whole.rindex(b'data/0')) + 38) + 4
    for bit in [folder, *range(0, 8 * len(whole), 11)]:
        hurt = bytearray(whole)
        hurt[bit // 8] ^= 1 << bit % 8
        path.write_bytes(hurt)
        try:
            found = checkpoints.read(path)
        except UserError:
            continue
        assert torch.equal(found['weight'], right['weight']) and found['step'] == 7, bit


def test_a_truncated_checkpoint_is_called_damaged(tmp_path):
    path = tmp_path / 'latest_net_G.pth'
    torch.save({'weight': torch.randn(64, 64)}, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match='is damaged'):
        checkpoints.read(path)


def test_files_without_checksums_are_read(tmp_path):
    """Those of PyTorch before 1.6, and those that were written to save time."""
    path = tmp_path / 'latest_net_G.pth'
    torch.save({'step': 7}, path, _use_new_zipfile_serialization=False)
    assert checkpoints.read(path) == {'step': 7}
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({'step': 7}, path)
    finally:
        torch.serialization.set_crc32_options(True)
    assert checkpoints.read(path) == {'step': 7}


def test_a_compressed_checkpoint_is_refused_before_it_fills_the_memory(tmp_path):
    path = tmp_path / 'latest_net_G.pth'
    torch.save({'weight': torch.zeros(1000, 1000)}, tmp_path / 'plain.pth')
    with zipfile.ZipFile(tmp_path / 'plain.pth') as plain, \
            zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as small:
        for name in plain.namelist():
            small.writestr(name, plain.read(name))
    with pytest.raises(UserError, match='no PyTorch checkpoint'):
        checkpoints.read(path)


def test_a_state_that_unpacks_to_gigabytes_is_not_looked_into_for_a_warning(tmp_path, capsys,
                                                                            monkeypatch):
    monkeypatch.setattr(harms, 'INFLATED', 1 << 28)
    state = {'epoch': 1, 'batches': 0, 'steps': 0, 'seconds': 0.0}
    checkpoints.save({tmp_path / checkpoints.STATE: state})
    checkpoints.warn_of_noise(tmp_path, 'latest')
    assert 'no training step is saved yet' in capsys.readouterr().err
    harms.inflated_checkpoint(checkpoints.STATE, tmp_path, tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    checkpoints.warn_of_noise(tmp_path, 'latest')
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 100_000, 'kB'
    assert not capsys.readouterr().err


def test_a_tensor_that_claims_more_than_its_file_holds_is_refused(tmp_path):
    path = tmp_path / 'latest_net_G.pth'
    vast = torch.zeros(1).expand(2 ** 40)
    for content in (vast, {'weight': vast}, {'a': [(1, {'b': vast})]}):
        torch.save(content, path)
        with pytest.raises(UserError, match='no PyTorch checkpoint'):
            checkpoints.read(path)


STATES = {
    'a tensor': lambda state: torch.zeros(3),
    'a list': lambda state: [1],
    'text': lambda state: 's',
    'no steps': lambda state: {**state, 'steps': None},
    'no best': lambda state: {**state, 'best': None},
    'no optimizers': lambda state: {**state, 'model': {}},
    'no moments': lambda state: changed(state, 'state', {0: {}}),
    'other moments': lambda state: changed(state, 'state', {
        0: dict.fromkeys(('step', 'exp_avg', 'exp_avg_sq'), torch.zeros(5))}),
    'no groups': lambda state: changed(state, 'param_groups', []),
    'groups without settings': lambda state: changed(state, 'param_groups', [
        {'params': state['model']['optimizers']['G']['param_groups'][0]['params']}]),
    'settings of another kind': lambda state: changed(state, 'param_groups', [
        {**state['model']['optimizers']['G']['param_groups'][0], 'betas': 'xy', 'eps': 'x'}]),
    'a pool of numbers': lambda state: {**state, 'model': {**state['model'], 'pool': [1]}},
    'schedule of text': lambda state: {**state, 'schedule': dict.fromkeys(state['schedule'], 'x')},
    'no random': lambda state: {key: state[key] for key in state if key != 'random'},
    'random of text': lambda state: {**state, 'random': 'x'},
}


def changed(state, key, value):
    optimizers = state['model']['optimizers']
    G = {**optimizers['G'], key: value}
    return {**state, 'model': {**state['model'], 'optimizers': {**optimizers, 'G': G}}}


@pytest.mark.parametrize('kind', STATES)
def test_a_state_of_another_kind_is_one_sentence(kind, trained):
    path = trained.folder / 'latest_state.pth'
    torch.save(STATES[kind](torch.load(path, weights_only=True)), path)
    with pytest.raises(UserError, match=r'latest_state\.pth: does not say where a run .*--epoch'):
        trained('--continue_train', '--max_steps', '2')


def test_a_training_that_diverges_keeps_the_save_before_and_says_how_to_go_on(trained,
                                                                              monkeypatch):
    before = weights(trained.folder)

    def diverge(model):
        next(model.networks['G'].parameters()).data.fill_(torch.inf)
    with monkeypatch.context() as patch, \
            pytest.raises(UserError, match='NaN or infinity after step 4.*--continue_train --lr'):
        patch.setattr(BaseModel, 'on_step_end', diverge)
        trained('--continue_train', '--max_steps', '4')
    assert equal(before, weights(trained.folder))
    trained('--continue_train', '--max_steps', '2', '--lr', '1e-4')


def test_a_run_goes_on_from_weights_that_were_put_in_place_of_its_last(trained):
    """As upstream's users do it: cp 5_net_G.pth latest_net_G.pth."""
    path = trained.folder / 'latest_net_G.pth'
    torch.save(torch.load(path, weights_only=True), path)
    trained('--continue_train', '--max_steps', '2')


def test_weights_that_are_saved_while_they_are_read_are_read_again(tmp_path):
    """G and D of one save, not G of one and D of the next."""
    def saved(value):
        checkpoints.save({tmp_path / f'latest_net_{name}.pth': value for name in 'GD'})
    saved(1)
    seen = []

    def load():
        seen.append([checkpoints.read(tmp_path / 'latest_net_G.pth')])
        if len(seen) == 1:
            saved(2)
        seen[-1].append(checkpoints.read(tmp_path / 'latest_net_D.pth'))
    checkpoints.together(tmp_path, 'latest', load)
    assert seen == [[1, 2], [2, 2]]


def test_cyclegans_generators_are_named_with_what_to_type(trained, tmp_path):
    folder = tmp_path / 'cycle'
    folder.mkdir()
    for name in ('latest_net_G_A.pth', 'latest_net_G_B.pth', 'latest_net_D_A.pth'):
        shutil.copy(trained.folder / 'latest_net_G.pth', folder / name)
    with pytest.raises(UserError, match='latest_net_G_A.pth, latest_net_G_B.pth: CycleGAN.*cp '):
        paint(trained, tmp_path, 'cycle')
    shutil.copy(folder / 'latest_net_G_A.pth', folder / 'latest_net_G.pth')
    assert paint(trained, tmp_path, 'cycle').is_file()


def test_a_run_without_its_discriminator_says_what_it_is_good_for(trained):
    (trained.folder / 'latest_net_D.pth').unlink()
    with pytest.raises(UserError, match='latest_net_D.pth: no such.*latest_net_G.pth can be '
                                        'painted with'):
        trained('--continue_train', '--max_steps', '2')


OLDEST = 'which_model_netG: resnet_6blocks\r\nnorm: instance\r\nuse_dropout: {}\r\n' \
         'model: {}\r\nngf: 4\r\n'


@pytest.mark.parametrize('dropout', [True, False])
@pytest.mark.parametrize('model', ['pix2pix', 'cycle_gan', 'test'])
def test_a_run_of_2017_paints_with_and_without_dropout(dropout, model, trained, tmp_path):
    write_2017(tmp_path / 'old', dropout, OLDEST.format(dropout, model))
    assert paint(trained, tmp_path, 'old').is_file()


def test_an_option_file_of_another_network_gives_way_to_the_weights(trained, tmp_path):
    write_2017(tmp_path / 'old', False, 'which_model_netG: unet_256\nngf: 64\nnorm: batch\n')
    assert paint(trained, tmp_path, 'old').is_file()


def write_2017(folder, dropout, options):
    """A run as PyTorch 0.3 left it: InstanceNorm's buffers are there."""
    network = define_G('resnet_6blocks', 3, 3, 4, 'instance', dropout)
    state = network.state_dict()
    state |= {f'{name}.running_mean': torch.zeros(layer.num_features)
              for name, layer in network.named_modules() if isinstance(layer, nn.InstanceNorm2d)}
    folder.mkdir()
    torch.save(state, folder / 'latest_net_G.pth')
    (folder / 'opt.txt').write_bytes(options.encode('utf-8-sig'))       # as Notepad saves it


def paint(run, checkpoints_dir, name):
    return painting_entry.main(['--dataroot', str(run.root), '--name', name, '--checkpoints_dir',
                                str(checkpoints_dir), '--metrics', 'none', '--no_video',
                                '--results_dir', str(checkpoints_dir / 'results')])
