"""--netG stacked_hourglass: every stack paints, the last one's picture counts."""
import pytest
import torch
from PIL import Image

import test as painting_entry
import train as training_entry
from models import models
from models.engine import Engine
from models.networks import define_G, read_architecture
from models.networks.hourglass import Hourglass, Residual, StackedHourglass
from options.train_options import TrainOptions

SIDE = StackedHourglass.least


def made(n_stacks=2, norm='instance'):
    torch.manual_seed(0)
    return StackedHourglass(3, 3, 2, n_stacks, norm)


@pytest.mark.parametrize('n_stacks', [1, 2, 3])
def test_every_stack_paints_and_the_last_picture_is_the_result(n_stacks):
    G, x = made(n_stacks), torch.rand(1, 3, SIDE, SIDE * 2)
    pictures = G(x, every=True)
    assert [p.shape for p in pictures] == [(1, 3, SIDE, SIDE * 2)] * n_stacks
    assert torch.equal(pictures[-1], G(x))
    assert len({float(p.detach().sum()) for p in pictures}) == n_stacks


def test_a_stack_corrects_what_the_one_before_it_painted():
    """The last picture depends on the first one, not only on the features beside it."""
    G = made()
    G(torch.rand(1, 3, SIDE, SIDE)).sum().backward()
    for part in (G.stacks[0].way_out, G.stacks[0].from_picture, G.stacks[0].from_features):
        assert all(p.grad is not None for p in part.parameters())
        assert max(float(p.grad.abs().max()) for p in part.parameters()) > 0


def test_supervision_reaches_the_first_stack_without_the_second():
    G = made()
    G(torch.rand(1, 3, SIDE, SIDE), every=True)[0].sum().backward()
    assert all(p.grad is None for p in G.stacks[1].parameters())
    assert all(p.grad is not None for p in G.way_in.parameters())


def test_an_hourglass_narrows_sixteenfold_and_keeps_the_size():
    seen = []
    glass = Hourglass(4, 'none')
    for module in glass.modules():
        if isinstance(module, Residual):
            module.register_forward_hook(lambda m, x, y: seen.append(y.shape[-1]))
    assert glass(torch.rand(1, 4, 32, 64)).shape == (1, 4, 32, 64)
    assert sorted(set(seen)) == [4, 8, 16, 32, 64]


def test_a_residual_adds_to_what_it_is_given():
    block, x = Residual(4, 'instance'), torch.randn(1, 4, 8, 8)
    last = block.bottleneck[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize('norm', ['batch', 'instance'])
@pytest.mark.parametrize('n_stacks', [1, 3])
def test_weights_say_how_many_stacks_there_are(n_stacks, norm):
    network = define_G('stacked_hourglass', 3, 1, 4, norm, n_stacks=n_stacks)
    assert read_architecture(network.state_dict()) == {
        'netG': 'stacked_hourglass', 'ngf': 4, 'input_nc': 3, 'output_nc': 1, 'norm': norm,
        'n_stacks': n_stacks}


@pytest.mark.parametrize('size', [(32, 32), (37, 61), (150, 40), (128, 192)])
def test_a_model_gets_every_picture_at_the_size_of_the_pose(size):
    opt = TrainOptions().parse(['--dataroot', 'x', '--netG', 'stacked_hourglass', '--ngf', '2',
                                '--ndf', '2', '--norm', 'instance'])
    model = models.find('pix2pix')(opt, Engine(torch.device('cpu')))
    x = torch.rand(1, 3, *size[::-1]) * 2 - 1
    pictures = model.all_outputs(x)
    assert [p.shape for p in pictures] == [x.shape] * 2
    assert torch.equal(pictures[-1], model.generate(x))
    plain = models.find('pix2pix')(opt.but(netG='resnet_6blocks', no_dropout=True),
                                   Engine(torch.device('cpu')))
    alone, = plain.all_outputs(x)
    assert torch.equal(alone, plain.generate(x))


def test_pix2pix_trains_and_paints_with_it(pairs, small, tmp_path):
    root = pairs(40, 50, train=2, val=1)
    flags = ['--name', 'me', '--checkpoints_dir', str(tmp_path)]
    training_entry.main(['--dataroot', str(root), *flags, '--no_html', *small, '--netG',
                         'stacked_hourglass', '--ngf', '2', '--max_steps', '2'])
    page = painting_entry.main([*flags, '--results_dir', str(tmp_path / 'r'), '--no_video',
                                '--metrics', 'fast'])
    assert Image.open(page.parent / 'images' / '000001_fake_B.png').size == (40, 50)


def test_pix2pixHD_supervises_every_stack_and_paints_with_the_last(pairs, small, tmp_path):
    """Newell et al., Sec. 3.3: losses on what each stack painted."""
    root = pairs(48, 48, train=2, val=1)
    flags = ['--name', 'me', '--checkpoints_dir', str(tmp_path)]
    training_entry.main(['--dataroot', str(root), *flags, '--no_html', *small, '--model',
                         'pix2pixHD', '--netG', 'stacked_hourglass', '--n_stacks', '3', '--ngf',
                         '2', '--max_steps', '2', '--print_freq', '1'])
    log = (tmp_path / 'me' / 'loss_log.txt').read_text()
    assert 'G_stack1' in log and 'G_stack2' in log and 'G_stack3' not in log
    page = painting_entry.main([*flags, '--results_dir', str(tmp_path / 'r'), '--no_video',
                                '--metrics', 'fast'])
    assert Image.open(page.parent / 'images' / '000001_fake_B.png').size == (48, 48)
