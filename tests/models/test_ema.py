"""--ema paints with the running mean of the weights; --save_best keeps the best by what is held
out."""
import numpy as np
import pytest
import torch
from conftest import fitting
from PIL import Image
from torch import nn
from torch.testing import assert_close

import test as painting_entry
import train as training_entry
from models import models
from models.ema import EMA
from models.engine import Engine
from options.train_options import TrainOptions
from training.validation import Validation
from util.errors import UserError
from util.metrics.names import is_better, picture_scores

MODELS = [name for name in models.names() if models.find(name).TRAINS]


@pytest.fixture
def run(pairs, small, tmp_path):
    """run('--ema', '0.9', ...) trains into checkpoints/me; run.paint(...) paints what is held
    out, and gives the pictures' bytes."""
    root = pairs()

    def train(*flags, model='pix2pix'):
        return training_entry.main(['--dataroot', str(root), '--name', 'me', '--checkpoints_dir',
                                    str(tmp_path / 'ck'), '--no_html', '--model', model,
                                    *fitting(model, *small), *flags])

    def paint(*flags):
        page = painting_entry.main(['--dataroot', str(root), '--name', 'me', '--checkpoints_dir',
                                    str(tmp_path / 'ck'), '--results_dir', str(tmp_path / 'r'),
                                    '--no_video', '--device', 'cpu', '--metrics', 'fast', *flags])
        return [p.read_bytes() for p in sorted((page.parent / 'images').glob('*_fake_B.png'))]
    train.folder, train.paint, train.root = tmp_path / 'ck' / 'me', paint, root
    return train


def read(path):
    return torch.load(path, weights_only=True)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_the_mean_is_the_one_of_the_formula_with_counted_numbers_copied():
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    nn.init.constant_(network[0].weight, 0.0)
    average, expected = EMA({'G': network}, 0.3), 0.0
    place = average.networks['G'][0].weight.data_ptr()
    for n in range(6):
        nn.init.constant_(network[0].weight, n + 1.0)
        network[1].running_mean.fill_(n)
        average.update({'G': network})
        decay = min(0.3, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * (n + 1)
        assert_close(average.networks['G'][0].weight.item(), expected)
    assert average.networks['G'][1].running_mean.item() == 5
    assert average.networks['G'][0].weight.data_ptr() == place, 'updated in place'


def test_without_the_flag_nothing_is_kept(run):
    run('--max_steps', '2')
    assert not list(run.folder.glob('*_ema.pth')) and not list(run.folder.glob('best_*'))


@pytest.mark.parametrize('name', MODELS)
def test_every_model_averages_what_it_paints_with_and_resumes_it_exactly(name, run):
    """Stopped on the way, every saved file is the same as without."""
    flags = ['--ema', '0.9', '--n_epochs', '2', '--n_epochs_decay', '0', '--max_dataset_size', '4']
    files = lambda: {p.name: read(p) for p in run.folder.glob('latest_net_*.pth')}
    run(*flags, '--max_steps', '7', model=name)
    straight = files()
    painters = [k for k in models.find(name).PAINTERS if f'latest_net_{k}.pth' in straight]
    assert {f'latest_net_{k}_ema.pth' for k in painters} == {f for f in straight if '_ema' in f}
    assert not all(same(straight[f'latest_net_{k}.pth'], straight[f'latest_net_{k}_ema.pth'])
                   for k in painters)
    run(*flags, '--max_steps', '3', '--overwrite', model=name)
    run('--continue_train', '--max_steps', '7', model=name)
    assert files().keys() == straight.keys()
    assert all(same(straight[file], weights) for file, weights in files().items())


def test_what_is_painted_is_painted_with_the_mean_unless_told_otherwise(run, capsys):
    run('--ema', '0.9', '--max_steps', '8', '--lr', '1e-2')
    plain = run.paint('--no_ema')
    assert 'averaged' not in capsys.readouterr().out
    averaged = run.paint()
    assert 'epoch latest (averaged)' in capsys.readouterr().out
    assert averaged != plain
    (run.folder / 'latest_net_G_ema.pth').rename(run.folder / 'latest_net_G.pth')
    assert run.paint() == averaged


def test_while_training_the_mean_paints_and_the_weights_learn(pairs, small):
    opt = TrainOptions().parse(['--dataroot', str(pairs()), '--ema', '0.5', *small])
    model = models.find('pix2pix')(opt, Engine(torch.device('cpu')))
    G, mean = model.networks['G'], model.ema.networks['G']
    batch = {'A': torch.zeros(1, 3, 128, 128), 'B': torch.zeros(1, 3, 128, 128)}
    model.step(batch)
    used = []
    for network in (G, mean):
        network.register_forward_pre_hook(lambda net, _: used.append(net))
        network.forward = (lambda net, real: lambda x: (used.append(net), real(x))[1])(
            network, network.forward)
    model.paint(batch)
    assert set(used) == {mean}
    assert model.networks['G'] is G and G.training
    used.clear()
    model.step(batch)
    assert set(used) == {G}
    assert not any(p.requires_grad for p in mean.parameters())


def test_a_mean_that_is_given_up_is_not_painted_with_later(run):
    run('--ema', '0.9', '--max_steps', '3')
    run('--continue_train', '--ema', '0', '--max_steps', '5')
    assert not list(run.folder.glob('*_ema.pth'))


def test_a_mean_that_begins_in_the_middle_begins_with_what_was_learnt(run):
    run('--max_steps', '3')
    before = read(run.folder / 'latest_net_G.pth')
    run('--continue_train', '--ema', '0.9', '--max_steps', '4')
    now, mean = (read(run.folder / f'latest_net_{name}.pth') for name in ('G', 'G_ema'))
    for key, value in mean.items():
        if key.endswith('weight'):
            assert_close(value, 0.1 * before[key] + 0.9 * now[key])


def test_epochs_keep_their_mean_by_number(run):
    run('--ema', '0.9', '--n_epochs', '1', '--n_epochs_decay', '0', '--save_epoch_freq', '1')
    assert same(read(run.folder / '1_net_G_ema.pth'), read(run.folder / 'latest_net_G_ema.pth'))
    assert run.paint('--epoch', '1')


@pytest.mark.parametrize('ema', ['1', '-0.1', '2'])
def test_a_decay_that_forgets_nothing_is_refused(ema, run):
    with pytest.raises(UserError, match='--ema'):
        run('--ema', ema)


# -- the best ------------------------------------------------------------------------------------

@pytest.mark.parametrize('metric, best', [('L1', 1), ('PSNR', 3)])
def test_the_best_is_kept_by_either_kind_of_score(metric, best, run, monkeypatch):
    """Judged five times, with these scores; the least L1 is the second, the greatest PSNR the
    fourth."""
    scores, seen = iter([0.5, 0.2, 0.3, 0.9, 0.4]), []

    def score(self):
        seen.append({k: v.clone() for k, v in self.model.networks['G'].state_dict().items()})
        return {'L1': 0.0, metric: next(scores)}
    monkeypatch.setattr(Validation, 'score', score)
    run('--save_best', metric, '--max_steps', '5', '--update_html_freq', '1')
    assert len(seen) == 5
    assert same(read(run.folder / 'best_net_G.pth'), seen[best])
    assert run.paint('--epoch', 'best') != run.paint()


def test_a_score_is_the_one_of_the_painted_picture_on_what_is_held_out(run):
    run('--save_best', 'PSNR', '--max_steps', '1', '--precision', 'fp32')
    kept = read(run.folder / 'latest_state.pth')['best']
    run.paint('--epoch', 'best', '--precision', 'fp32', '--no_compile')
    pictures = run.folder.parent.parent / 'r' / 'me' / 'best_val' / 'images'
    error = [np.square(np.asarray(Image.open(p)).astype(float) - np.asarray(Image.open(
        str(p).replace('fake_B', 'real_B')))).mean() for p in pictures.glob('*_fake_B.png')]
    assert kept['by'] == 'PSNR'
    assert kept['score'] == pytest.approx(np.mean(10 * np.log10(255 ** 2 / np.array(error))))


def test_every_score_prefers_the_truth():
    true = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    for key, score in picture_scores(thorough=True).items():
        right, wrong = score.measure(true, true), score.measure(true[:, ::-1], true)
        assert is_better(key, right, wrong) and not is_better(key, wrong, right)
        assert is_better(key, wrong, None) and not is_better(key, right, right)
        assert not is_better(key, float('nan'), wrong) and not is_better(key, float('nan'), None)


def test_the_best_before_a_stop_is_still_the_best_after_it(run, monkeypatch):
    scores = iter([0.1, 0.5])
    monkeypatch.setattr(Validation, 'score', lambda self: {'L1': next(scores)})
    run('--save_best', 'L1', '--max_steps', '1')
    best = read(run.folder / 'best_net_G.pth')
    run('--continue_train', '--max_steps', '2')
    assert next(scores, None) is None
    assert same(read(run.folder / 'best_net_G.pth'), best)


def test_the_best_has_its_mean_beside_it_and_one_line_says_so(run, monkeypatch, capsys):
    scores = iter([3.0, 2.0, 1.0])
    monkeypatch.setattr(Validation, 'score', lambda self: {'L1': next(scores)})
    run('--save_best', 'L1', '--ema', '0.9', '--max_steps', '3', '--update_html_freq', '1')
    assert same(read(run.folder / 'best_net_G_ema.pth'), read(run.folder / 'latest_net_G_ema.pth'))
    assert capsys.readouterr().out.count('best_net_') == 1


def test_there_is_no_best_where_nothing_is_held_out(run):
    with pytest.raises(UserError, match='--save_best L1.*no nothing split to score'):
        run('--save_best', 'L1', '--val_phase', 'nothing')
