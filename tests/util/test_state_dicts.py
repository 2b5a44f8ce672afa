"""Weights are found in files of any origin, or one sentence says what lies there instead."""
import itertools

import pytest
import torch
from torch import nn

from util.errors import UserError
from util.state_dicts import load_weights, read_weights


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


@pytest.fixture
def file(tmp_path):
    """file(content) is a file that torch.save wrote."""
    def write(content):
        torch.save(content, tmp_path / 'latest_net_G.pth')
        return tmp_path / 'latest_net_G.pth'
    return write


def check(path, network):
    """What the file holds is loaded into a network of other weights."""
    other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    load_weights(other, path, '--netG')
    assert all(torch.equal(a, b) for a, b in zip(other.state_dict().values(),
                                                 network.state_dict().values()))


ORDERS = [''.join(words) for count in range(4)
          for words in itertools.product(['module.', '_orig_mod.'], repeat=count)]


@pytest.mark.parametrize('start', [*ORDERS, 'netG.', 'module.generator.', 'G._orig_mod.'])
def test_words_of_wrappers_are_taken_off_in_any_order(start, network, file):
    check(file({start + key: value for key, value in network.state_dict().items()}), network)


def test_words_of_wrappers_within_a_key_are_taken_off_too(network, file):
    state = {key.replace('.', '._orig_mod.', 1): value
             for key, value in network.state_dict().items()}
    check(file(state), network)


def test_an_averaged_model_is_loaded(network, file):
    averaged = torch.optim.swa_utils.AveragedModel(network)
    check(file(averaged.state_dict()), network)


@pytest.mark.parametrize('names', [['state_dict'], ['model'], ['netG'], ['params'], ['ema'],
                                   ['params_ema'], ['model', 'state_dict'], ['a', 'b', 'c']])
def test_the_one_state_dict_within_other_dicts_is_taken(names, network, file):
    optimizer = torch.optim.Adam(network.parameters())
    sum(p.sum() for p in network.parameters()).backward()
    optimizer.step()
    content = {f'module.{key}': value for key, value in network.state_dict().items()}
    for name in reversed(names):
        by_name = {'state': {'weight': {'exp_avg': torch.zeros(2, 2)}}, 'param_groups': []}
        content = {name: content, 'optimizer': optimizer.state_dict(), 'optimizer_D': by_name,
                   'epoch': 20, 'rng': None}
    check(file(content), network)


def test_several_state_dicts_are_named(network, file):
    state = network.state_dict()
    with pytest.raises(UserError, match=r'several state dicts: G, nested/D\.'):
        read_weights(file({'G': state, 'nested': {'D': state}}))


def test_a_file_without_weights_says_what_it_holds(file):
    with pytest.raises(UserError, match='holds epoch, loss, but no weights'):
        read_weights(file({'epoch': 3, 'loss': torch.zeros(3)}))
    for content in ([1, 2], {}, 'text', torch.zeros(3)):
        with pytest.raises(UserError, match='no PyTorch checkpoint'):
            read_weights(file(content))


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_weights_that_are_no_numbers_are_refused(value, network, file):
    network[0].weight.data[0, 0, 0, 0] = value
    with pytest.raises(UserError, match='1 of its 7 tensors hold NaN or infinity, such as '
                                        '0.weight.*earlier --epoch'):
        load_weights(network, file(network.state_dict()), '--netG')
