"""pix2pixHD: NVIDIA's losses, runs and options."""
import pytest
import torch
from PIL import Image

from models import models
from models.engine import Engine
from models.losses import feature_matching
from options.legacy import modern_facts
from options.test_options import TestOptions
from options.train_options import TrainOptions
from tests.models.pix2pixhd_runs import TINY, paint, trainer, weights
from util.errors import UserError
from util.runs import read_record


@pytest.fixture
def train(pairs, small_vgg, tmp_path):
    """train(name, '--flag' ...) -> its folder; train.root is the dataset."""
    return trainer(pairs(), tmp_path / 'ck')


def test_feature_matching_is_its_formula():
    """Two scales of three layers, 1 and 2 apart; the logits do not count."""
    zeros = lambda: [torch.zeros(1, 2, 3, 3) for _ in range(3)]
    apart = [[t + d for t in zeros()] for d in (1.0, 2.0)]
    # scale 1/2, layer 4/2, two layers each: (2*1 + 2*2) * 4/2 / 2
    assert float(feature_matching([zeros(), zeros()], apart)) == pytest.approx(6.0)


# Runs

def test_losses_and_results_have_nvidias_names(train):
    folder = train('me', '--max_steps', '1')
    log = (folder / 'loss_log.txt').read_text()
    assert [word[:-1] for word in log.split()
            if word[0] in 'GD' and word.endswith(':')] == [
        'G_GAN', 'G_GAN_Feat', 'G_VGG', 'D_real', 'D_fake']
    assert read_record(folder)['model']['perceptual_loss'].startswith('VGG19')
    images = paint(folder, train.root)
    assert {p.name for p in images.glob('000001_*')} == {
        '000001_real_A.png', '000001_fake_B.png', '000001_real_B.png',
        '000001_input_label.jpg', '000001_synthesized_image.jpg'}


def test_without_feature_matching_the_run_is_nvidias_too(train):
    folder = train('me', '--max_steps', '1', '--no_ganFeat_loss', '--no_vgg_loss', '--no_lsgan',
                   '--num_D', '1')
    assert set(weights(folder, 'D')) >= {'layer0.0.weight', 'layer0.11.bias'}
    assert 'G_GAN_Feat' not in (folder / 'loss_log.txt').read_text()
    assert read_record(folder)['options']['gan_mode'] == 'vanilla'


def test_a_local_generator_begins_with_the_global_one_it_is_trained_upon(train, capsys):
    coarse = train('coarse', '--max_steps', '2', '--ngf', '8')
    fine = train('fine', '--netG', 'local', '--max_steps', '1', '--lr', '1e-9', '--load_pretrain',
                 'coarse')
    said = capsys.readouterr().out
    assert '14 of 26 tensors of G, 20 of 20 tensors of D' in said
    inner, whole = weights(coarse), weights(fine)
    shared = [k for k in inner if k in whole]
    assert len(shared) == len(inner) - 2
    assert all(torch.allclose(inner[k], whole[k], atol=1e-6) for k in shared)
    with pytest.raises(UserError, match='nothing of its G fits.*--netG global --ngf 8'):
        train('other', '--netG', 'unet_128', '--max_steps', '1', '--load_pretrain', str(coarse))
    with pytest.raises(UserError, match='--load_pretrain nothing.*no such checkpoint'):
        train('other', '--max_steps', '1', '--load_pretrain', 'nothing')


def test_the_global_generator_rests_for_as_long_as_it_is_fixed(train):
    flags = ['--netG', 'local', '--niter_fix_global', '1', '--max_dataset_size', '2',
             '--no_vgg_loss', '--num_threads', '0']
    begun = train('me', *flags, '--max_steps', '1')
    first, state = weights(begun), torch.load(begun / 'latest_state.pth', weights_only=True)
    moments = state['model']['optimizers']['G']['state']
    end = train('me', '--continue_train', '--max_steps', '2')      # the end of the first epoch
    second = weights(end)
    inner = [k for k in first if k.startswith('model.')]
    assert all(torch.equal(first[k], second[k]) for k in inner)
    assert not torch.equal(first['model1_1.1.weight'], second['model1_1.1.weight'])
    assert len(moments) == len(first) - len(inner)
    third = weights(train('me', '--continue_train', '--max_steps', '3'))
    assert not any(torch.equal(second[k], third[k]) for k in inner if k.endswith('weight'))
    # a first step of Adam is as long as its rate: no stale moments, no stale count
    far = float((third['model.1.weight'] - second['model.1.weight']).abs().max())
    assert far == pytest.approx(2e-4, rel=0.02)
    straight = train('straight', *flags, '--max_steps', '3')
    assert all(torch.equal(v, third[k]) for k, v in weights(straight).items())


def test_poses_alone_in_test_A_are_painted(train, pairs, tmp_path):
    folder = train('me', '--max_steps', '1', '--no_vgg_loss')
    (tmp_path / 'new' / 'test_A').mkdir(parents=True)
    Image.new('RGB', (37, 50)).save(tmp_path / 'new' / 'test_A' / 'x.png')
    images = paint(folder, tmp_path / 'new', '--phase', 'test')
    assert Image.open(images / 'x_fake_B.png').size == (37, 50)
    (tmp_path / 'new' / 'test_B').mkdir()
    Image.new('RGB', (37, 50)).save(tmp_path / 'new' / 'test_B' / 'x.png')
    assert (paint(folder, tmp_path / 'new', '--phase', 'test') / 'x_real_B.png').is_file()


# Its options

def test_nvidias_command_line_is_understood(capsys):
    typed = ('--dataroot x --model pix2pixHD --label_nc 0 --no_instance --resize_or_crop none '
             '--loadSize 512 --fineSize 256 --batchSize 1 --niter 50 --niter_decay 60 --nThreads 2 '
             '--tf_log --no_flip --n_downsample_global 3 --data_type 32 --no_vgg_loss')
    opt = TrainOptions().parse(typed.split())
    assert (opt.netG, opt.norm, opt.gan_mode) == ('global', 'instance', 'lsgan')
    assert (opt.load_size, opt.n_epochs, opt.n_downsample_global) == (512, 50, 3)
    assert opt.tensorboard and '--data_type has no effect' in capsys.readouterr().err


def test_nvidias_record_is_read(tmp_path):
    (tmp_path / 'ck' / 'city').mkdir(parents=True)
    (tmp_path / 'ck' / 'city' / 'opt.txt').write_text(
        '------------ Options -------------\nfineSize: 512\nlabel_nc: 35\nloadSize: 1024\n'
        'model: pix2pixHD\nn_blocks_global: 5\nnetG: local\nngf: 32\nno_instance: False\n'
        'instance_feat: False\nresize_or_crop: scale_width\nnorm: instance\n'
        '-------------- End ----------------\n')
    opt = TestOptions().parse(['--dataroot', 'x', '--name', 'city', '--checkpoints_dir',
                               str(tmp_path / 'ck')])
    assert (opt.model, opt.netG, opt.ngf, opt.label_nc, opt.no_instance) == (
        'pix2pixHD', 'local', 32, 35, False)
    assert (opt.n_blocks_global, opt.load_size, opt.crop_size) == (5, 1024, None)
    assert 'crop_size' in modern_facts({'model': 'pix2pixHD', 'fineSize': '1',
                                        'resize_or_crop': 'scale_width_and_crop'})


@pytest.mark.parametrize('flags, said', [
    ('--niter_fix_global 1', 'no enhancers'), ('--instance_feat', 'no instance maps'),
    ('--label_feat', '--label_nc'), ('--num_D 0', '--num_D 0: give 1'),
    ('--load_features', 'nothing is painted from features'),
    ('--load_features --label_feat --label_nc 3 --feat_num 4', 'which hold 3 numbers'),
    ('--load_features --label_feat --label_nc 3', 'reads no feature maps'),
    ('--vgg_weights nowhere.pth', 'no such file')])
def test_what_cannot_be_is_one_sentence(flags, said):
    with pytest.raises(UserError, match=said):
        opt = TrainOptions().parse(['--dataroot', 'x', *TINY, *flags.split()])
        models.find('pix2pixHD')(opt, Engine(torch.device('cpu')))
