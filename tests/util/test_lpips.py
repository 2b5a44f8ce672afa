"""What LPIPS promises: the formula of its paper, through the layers and weights of its authors.

The authors' published pair (0.722 and 0.138 through AlexNet) needs their pictures, which come with
no registry package. These weights have reproduced it; here they are held against the formula
written out plainly, and against torchmetrics, which carries the authors' heads itself.
"""
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.perceptual import LIKE_VGG, LpipsLoss
from tests.reference import torchmetrics_functions
from util.errors import UserError
from util.metrics.lpips import FETCH, Lpips, lpips_weights
from util.pickles import read_pickle

NETS = ('alex', 'vgg')
WIDTHS = {'alex': [3, 6, 5, 7, 4, 5], 'vgg': [3, *[4, 5, 6, 4, 3] * 2, 5, 4, 6]}
SIZES = {'alex': [11, 5, 3, 3, 3], 'vgg': [3] * 13}
LOOKED_AT = {'alex': [0, 1, 2, 3, 4], 'vgg': [1, 3, 6, 9, 12]}      # convolutions, counted
POOLED_BEFORE = {'alex': [1, 2], 'vgg': [2, 4, 7, 10]}


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """{net: a file like the fetched one, of few random channels}."""
    rng, paths = np.random.default_rng(0), {}
    for net, name in zip(NETS, ('AlexNet_0', 'VGG16_0')):
        widths = WIDTHS[net]
        table = {name: {f'Conv_{k}': {
            'kernel': rng.normal(0, (2 / size ** 2 / a) ** 0.5, (size, size, a, b)).astype('f4'),
            'bias': rng.normal(0, 0.1, b).astype('f4')}
            for k, (size, a, b) in enumerate(zip(SIZES[net], widths, widths[1:]))}}
        for k, convolution in enumerate(LOOKED_AT[net]):
            table[f'NetLinLayer_{k}'] = {'Conv_0': {
                'kernel': rng.random((1, 1, widths[convolution + 1], 1)).astype('f4')}}
        paths[net] = tmp_path_factory.mktemp('weights') / f'{net}.ckpt'
        paths[net].write_bytes(pickle.dumps(table))
    return paths


def fetched(net):
    path = lpips_weights(net)
    return path or pytest.skip(f'no LPIPS weights here; to have them: {FETCH}')


@pytest.fixture
def pictures():
    """Two of 47x52, alike but for a dark square."""
    picture = np.random.default_rng(1).integers(0, 256, (47, 52, 3), np.uint8)
    other = picture.copy()
    other[30:40, 8:18] //= 3
    return picture, other


def written_out(path, net, a, b):
    """LPIPS as the paper says it, one layer after the other, and the last layers' means."""
    with open(path, 'rb') as file:
        table = read_pickle(file)
    (name,) = table.keys() & {'AlexNet_0', 'VGG16_0'}
    x, y = ((torch.from_numpy(image / 127.5 - 1).permute(2, 0, 1)[None].double()
             - torch.tensor([-.030, -.088, -.188]).view(3, 1, 1))
            / torch.tensor([.458, .448, .450]).view(3, 1, 1) for image in (a, b))
    total, layer = 0.0, 0
    for k in range(len(table[name])):
        part = table[name][f'Conv_{k}']
        kernel = torch.tensor(np.array(part['kernel'])).double().permute(3, 2, 0, 1)
        bias = torch.tensor(np.array(part['bias'])).double()
        stride, edge = (4, 2) if (net, k) == ('alex', 0) else (1, kernel.shape[-1] // 2)
        if k in POOLED_BEFORE[net]:
            x, y = (F.max_pool2d(z, 3 if net == 'alex' else 2, 2) for z in (x, y))
        x, y = (F.conv2d(z, kernel, bias, stride, edge).relu() for z in (x, y))
        if k in LOOKED_AT[net]:
            unit_x, unit_y = (z / ((z ** 2).sum(1, keepdim=True).sqrt() + 1e-10) for z in (x, y))
            (head,) = table[f'NetLinLayer_{layer}'].values()
            weights = torch.tensor(np.array(head['kernel'])).double().reshape(1, -1, 1, 1)
            total += float((weights * (unit_x - unit_y) ** 2).sum(1).mean())
            layer += 1
    return total, [z.mean((0, 2, 3)).numpy() for z in (x, y)]


@pytest.mark.parametrize('weights', ['tiny', 'fetched'])
@pytest.mark.parametrize('net', NETS)
def test_the_distance_is_the_papers_through_either_network(net, weights, tiny, pictures):
    path = tiny[net] if weights == 'tiny' else fetched(net)
    lpips = Lpips(net, path=path)
    expected, pooled = written_out(path, net, *pictures)
    assert lpips.between(*pictures) == pytest.approx(expected, rel=1e-4) != 0
    assert np.allclose(lpips.features(np.stack(pictures)).pooled, pooled, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize('net', NETS)
def test_the_distance_is_that_of_torchmetrics(net, pictures):
    path = fetched(net)
    torchmetrics_functions()
    from torchmetrics.functional.image.lpips import _LPIPS
    theirs = _LPIPS(net=net, pnet_rand=True)                # its own heads, then our convolutions
    ours = Lpips(net, path=path)
    convolutions = [m for m in ours.network.modules() if isinstance(m, torch.nn.Conv2d)]
    for target, conv in zip([m for m in theirs.net.modules() if isinstance(m, torch.nn.Conv2d)],
                            convolutions, strict=True):
        target.load_state_dict(conv.state_dict())
    a, b = (torch.from_numpy(image).permute(2, 0, 1)[None] / 127.5 - 1 for image in pictures)
    assert ours.between(*pictures) == pytest.approx(float(theirs(a, b)), abs=1e-5)


def test_like_pictures_are_at_0_and_order_does_not_matter(tiny, pictures):
    a, b = pictures
    for net in NETS:
        lpips = Lpips(net, path=tiny[net])
        assert lpips.between(a, a) == 0 < lpips.between(a, b)
        assert lpips.between(a, b) == pytest.approx(lpips.between(b, a))
        grey = a[..., :1]
        assert lpips.between(grey, b) == pytest.approx(lpips.between(grey.repeat(3, axis=2), b))


def test_as_a_loss_it_is_the_same_distance_with_a_slope(tiny, pictures):
    loss = LpipsLoss(tiny['vgg'])
    real, fake = (torch.from_numpy(image).permute(2, 0, 1)[None] / 127.5 - 1 for image in pictures)
    told = loss(fake.requires_grad_(), real)
    assert told.item() == pytest.approx(
        LIKE_VGG * Lpips('vgg', path=tiny['vgg']).between(*pictures), rel=1e-4) != 0
    told.backward()
    assert fake.grad.isfinite().all() and fake.grad.abs().sum() > 0
    assert not any(weights.requires_grad for weights in loss.parameters())


def test_many_pictures_at_once_are_as_far_as_one_by_one_or_as_one_beside_all(tiny, pictures):
    lpips, (a, b) = Lpips('alex', path=tiny['alex']), pictures
    truth, painted = lpips.features(np.stack([a, a[::-1]])), lpips.features(np.stack([b, a]))
    assert lpips.distance(truth, painted) == pytest.approx(
        [lpips.between(a, b), lpips.between(a[::-1], a)], rel=1e-5)
    assert lpips.distance(lpips.features(a[None]), painted) == pytest.approx(
        [lpips.between(a, b), 0], rel=1e-5)


def test_the_map_shows_where_they_differ(tiny, pictures):
    a, b = pictures
    for net in NETS:
        lpips = Lpips(net, path=tiny[net])
        one, other = lpips.features(a[None]), lpips.features(b[None])
        (where,) = lpips.map(one, other)
        assert where.shape == a.shape[:2] and where.dtype == np.float32
        assert where[30:40, 8:18].mean() > 3 * where[:12, 36:].mean()
        assert where.mean() == pytest.approx(lpips.distance(one, other)[0], rel=0.3)


def test_bfloat16_says_nearly_the_same(tiny, pictures):
    exact, quick = (Lpips('alex', bf16=bf16, path=tiny['alex']).between(*pictures)
                    for bf16 in (False, True))
    assert exact != quick == pytest.approx(exact, rel=0.02)


def test_pictures_too_small_to_see_are_refused(tiny, pictures):
    for net in NETS:
        lpips = Lpips(net, path=tiny[net])
        assert lpips.between(*(image[:32, :32] for image in pictures)) >= 0
        with pytest.raises(UserError, match='52x31'):
            lpips.between(*(image[:31] for image in pictures))


def test_without_weights_the_command_that_fetches_them_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path))
    assert lpips_weights('alex') is None
    with pytest.raises(UserError, match=FETCH):
        Lpips('alex')
    (tmp_path / 'lpips').mkdir()
    (tmp_path / 'lpips' / 'alexnet.ckpt').write_bytes(b'half')
    assert lpips_weights('alex') is None
    with pytest.raises(UserError, match='not an AlexNet or VGG16.*get_models.py lpips --force'):
        Lpips('alex', path=tmp_path / 'lpips' / 'alexnet.ckpt')
