"""Networks by name. One file per family; docstrings give the shapes of inputs and outputs."""
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from torch import Tensor, nn
from torch.nn import init

from models.networks.hourglass import StackedHourglass
from models.networks.patchgan import NLayerDiscriminator, PixelDiscriminator
from models.networks.pix2pixhd import GlobalGenerator, LocalEnhancer
from models.networks.resnet import ResnetGenerator
from models.networks.unet import UnetGenerator
from util.errors import unknown_choice

Weights: TypeAlias = Mapping[str, Tensor]       # a state dict
Facts: TypeAlias = dict[str, Any]               # {flag: value}

# (input_nc, output_nc, ngf, norm, use_dropout, **details) -> network; a detail has its flag's name
GENERATORS: dict[str, Callable[..., nn.Module]] = {
    'unet_128': lambda i, o, ngf, norm, drop, **_: UnetGenerator(i, o, 7, ngf, norm, drop),
    'unet_256': lambda i, o, ngf, norm, drop, **_: UnetGenerator(i, o, 8, ngf, norm, drop),
    'resnet_6blocks': lambda i, o, ngf, norm, drop, **_: ResnetGenerator(i, o, 6, ngf, norm, drop),
    'resnet_9blocks': lambda i, o, ngf, norm, drop, **_: ResnetGenerator(i, o, 9, ngf, norm, drop),
    'global': lambda i, o, ngf, norm, drop, n_downsample_global=4, n_blocks_global=9, **_:
        GlobalGenerator(i, o, ngf, n_downsample_global, n_blocks_global, norm),
    'local': lambda i, o, ngf, norm, drop, n_downsample_global=4, n_blocks_global=9,
        n_local_enhancers=1, n_blocks_local=3, **_:
        LocalEnhancer(i, o, ngf, n_downsample_global, n_blocks_global, n_local_enhancers,
                      n_blocks_local, norm),
    'stacked_hourglass': lambda i, o, ngf, norm, drop, n_stacks=2, **_:
        StackedHourglass(i, o, ngf, n_stacks, norm),
}
# (input_nc, ndf, n_layers, norm) -> network
DISCRIMINATORS: dict[str, Callable[[int, int, int, str], nn.Module]] = {
    'basic': lambda i, ndf, n, norm: NLayerDiscriminator(i, ndf, 3, norm),
    'n_layers': lambda i, ndf, n, norm: NLayerDiscriminator(i, ndf, n, norm),
    'pixel': lambda i, ndf, n, norm: PixelDiscriminator(i, ndf, norm),
}


def define_G(netG: str, input_nc: int, output_nc: int, ngf: int = 64, norm: str = 'batch',
             use_dropout: bool = False, **details: int) -> nn.Module:
    """The generator of that name, with torch's own initial weights. Both sides of its input must
    be multiples of its `multiple`, and no smaller than its `least` where it has one.

    details   flags that only some generators have, e.g. n_blocks_global; the others ignore them
    """
    if netG not in GENERATORS:
        raise unknown_choice('--netG', netG, GENERATORS, 'models/networks/{}.py')
    return GENERATORS[netG](input_nc, output_nc, ngf, norm, use_dropout, **details)


def define_D(netD: str, input_nc: int, ndf: int = 64, n_layers: int = 3,
             norm: str = 'batch') -> nn.Module:
    """The discriminator of that name. Its `smallest` is the least side of its input, in px."""
    if netD not in DISCRIMINATORS:
        raise unknown_choice('--netD', netD, DISCRIMINATORS, 'models/networks/{}.py')
    return DISCRIMINATORS[netD](input_nc, ndf, n_layers, norm)


def init_weights(network: nn.Module, init_type: str = 'normal', gain: float = 0.02) -> None:
    """Initialize as upstream does: convolutions by `init_type`, norm scales near 1, biases 0."""
    fill = {'normal': lambda w: init.normal_(w, 0.0, gain),
            'xavier': lambda w: init.xavier_normal_(w, gain),
            'kaiming': lambda w: init.kaiming_normal_(w, a=0, mode='fan_in'),
            'orthogonal': lambda w: init.orthogonal_(w, gain)}[init_type]
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            fill(layer.weight.data)
            if layer.bias is not None:
                init.zeros_(layer.bias.data)
        elif isinstance(layer, (nn.BatchNorm2d, nn.SyncBatchNorm)):
            init.normal_(layer.weight.data, 1.0, gain)
            init.zeros_(layer.bias.data)


def read_architecture(state: Weights) -> Facts:
    """What a generator's state dict says of itself: netG, ngf, input_nc, output_nc, norm and
    no_dropout where the keys show it, and the details of pix2pixHD's generators; {} for keys of no
    generator here.

    state   upstream's or pix2pixHD's keys -> tensors
    """
    weights = {k: v for k, v in state.items() if getattr(v, 'ndim', 0) == 4}
    norm = read_norm(state)
    if 'way_in.1.weight' in weights:
        facts = read_hourglass(weights)
        first = weights['way_in.1.weight']
    elif 'model.model.0.weight' in weights:
        facts = read_unet(weights)
        first = weights['model.model.0.weight']
    elif 'model.1.weight' in weights and any('.conv_block.' in k for k in weights):
        facts = read_pix2pixhd(weights)
        first = next(iter(weights.values()))
        name = f'resnet_{facts["n_blocks_global"]}blocks'
        # two halvings are the same layers in both, but only pix2pixHD's keep a bias before norm
        resnet = facts['netG'] == 'global' and facts['n_downsample_global'] == 2 and \
            not (norm == 'batch' and 'model.1.bias' in state)
        if not resnet or name not in GENERATORS:
            return facts | {'norm': norm}
        facts = {'netG': name, 'output_nc': list(weights.values())[-1].shape[0],
                 'no_dropout': not any('.conv_block.6.weight' in k for k in weights)}
    else:
        return {}
    if facts['netG'] not in GENERATORS:
        return {}
    return facts | {'ngf': first.shape[0], 'input_nc': first.shape[1], 'norm': norm}


def read_norm(state: Weights) -> str:
    """--norm: batch norm has a scale for each channel; instance norm here has none, but the
    convolutions before it have a bias."""
    vectors = [k for k, v in state.items() if v.ndim == 1]
    if any(k.endswith('.weight') for k in vectors):
        return 'batch'
    return 'instance' if sum(k.endswith('.bias') for k in vectors) > 1 else 'none'


def read_hourglass(weights: Weights) -> Facts:
    """The flags of a stacked_hourglass, from its convolutions by key."""
    stacks = {k.split('.')[1] for k in weights if k.startswith('stacks.')}
    return {'netG': 'stacked_hourglass', 'output_nc': list(weights.values())[-1].shape[0],
            'n_stacks': len(stacks)}


def read_unet(weights: Weights) -> Facts:
    """The flags of a U-Net, from its convolutions by key; netG None for a depth not among
    GENERATORS."""
    downs = max(k.count('.model.') for k in weights)
    return {'netG': {7: 'unet_128', 8: 'unet_256'}.get(downs),
            'output_nc': weights['model.model.3.weight'].shape[1]}


def read_pix2pixhd(weights: Weights) -> Facts:
    """The flags of a global or local generator, from its convolutions by key.

    The number of input channels does not say what they are: 3 or 1 are taken for an image, 4 for
    an image and instance edges, 36 for Cityscapes' labels and edges, any other for labels.
    """
    def blocks(part: str) -> int:
        keys = [k for k in weights if k.startswith(f'{part}.') and '.conv_block.' in k]
        return len({k.split('.conv_block.')[0] for k in keys})

    inside = [k for k in weights if k.startswith('model.')]
    before = next(i for i, k in enumerate(inside) if '.conv_block.' in k)
    enhancers = len({k.split('.')[0] for k in weights}) // 2
    outermost = f'model{enhancers}_1.' if enhancers else 'model.'
    first, last = weights[f'{outermost}1.weight'], list(weights.values())[-1]
    facts: Facts = {
        'model': 'pix2pixHD', 'netG': 'local' if enhancers else 'global', 'ngf': first.shape[0],
        'output_nc': last.shape[0], 'n_downsample_global': before - 1,
        'n_blocks_global': blocks('model')}
    if enhancers:
        facts |= {'n_local_enhancers': enhancers, 'n_blocks_local': blocks('model1_2')}
    input_nc = first.shape[1]
    if input_nc in (1, 3):
        return facts | {'input_nc': input_nc, 'no_instance': True}
    if input_nc == 4:
        return facts | {'input_nc': 3}
    if input_nc == 36:
        return facts | {'label_nc': 35}
    return facts | {'label_nc': input_nc, 'no_instance': True}


def which_flags(state: Weights) -> str:
    """The flags that a generator's state dict fits, as a sentence."""
    facts = read_architecture(state)
    flags = [f'--{k}' if v is True else f'--{k} {v}' for k, v in facts.items() if v is not False]
    if flags:
        return f'It fits {" ".join(flags)}.'
    return 'Use the --model and --netG that the run was trained with.'
