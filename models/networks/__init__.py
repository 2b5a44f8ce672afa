"""Networks by name. One file per family; what each takes and gives is in its docstring."""
from collections.abc import Callable

from torch import nn
from torch.nn import init

from models.networks.hourglass import StackedHourglass
from models.networks.patchgan import NLayerDiscriminator, PixelDiscriminator
from models.networks.pix2pixhd import GlobalGenerator, LocalEnhancer
from models.networks.resnet import ResnetGenerator
from models.networks.unet import UnetGenerator
from util.errors import unknown_choice

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

    details   what only some generators have, by flag, e.g. n_blocks_global; the others ignore it
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
    begin = {'normal': lambda w: init.normal_(w, 0.0, gain),
             'xavier': lambda w: init.xavier_normal_(w, gain),
             'kaiming': lambda w: init.kaiming_normal_(w, a=0, mode='fan_in'),
             'orthogonal': lambda w: init.orthogonal_(w, gain)}[init_type]
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            begin(layer.weight.data)
            if layer.bias is not None:
                init.zeros_(layer.bias.data)
        elif isinstance(layer, (nn.BatchNorm2d, nn.SyncBatchNorm)):
            init.normal_(layer.weight.data, 1.0, gain)
            init.zeros_(layer.bias.data)


def read_architecture(state: dict) -> dict[str, object]:
    """What a generator's state dict says of itself: netG, ngf, input_nc, output_nc, norm and
    no_dropout where the keys show it, and for pix2pixHD's its details; {} for keys that are no
    generator's here.

    state   upstream's or pix2pixHD's keys -> tensors
    """
    weights = {k: v for k, v in state.items() if getattr(v, 'ndim', 0) == 4}
    # batch norm has a scale for each channel; instance norm here has none, but a bias before it
    scales = any(k.endswith('.weight') and v.ndim == 1 for k, v in state.items())
    biases = sum(k.endswith('.bias') and v.ndim == 1 for k, v in state.items())
    norm = 'batch' if scales else 'instance' if biases > 1 else 'none'
    if 'way_in.1.weight' in weights:
        first, last = weights['way_in.1.weight'], list(weights.values())[-1]
        facts = {'netG': 'stacked_hourglass', 'output_nc': last.shape[0],
                 'n_stacks': len({k.split('.')[1] for k in weights if k.startswith('stacks.')})}
    elif 'model.model.0.weight' in weights:
        first, last = weights['model.model.0.weight'], weights['model.model.3.weight']
        downs = max(k.count('.model.') for k in weights)
        facts = {'netG': {7: 'unet_128', 8: 'unet_256'}.get(downs), 'output_nc': last.shape[1]}
    elif 'model.1.weight' in weights and any('.conv_block.' in k for k in weights):
        facts = read_pix2pixhd(weights)
        first, last = list(weights.values())[0], list(weights.values())[-1]
        name = f'resnet_{facts["n_blocks_global"]}blocks'
        # two halvings are the same layers in both, but only pix2pixHD's keep a bias before norm
        here = facts['netG'] == 'global' and facts['n_downsample_global'] == 2 and \
            name in GENERATORS and not (scales and 'model.1.bias' in state)
        if not here:
            return facts | {'norm': norm}
        facts = {'netG': name, 'output_nc': last.shape[0],
                 'no_dropout': not any('.conv_block.6.weight' in k for k in weights)}
    else:
        return {}
    if facts['netG'] not in GENERATORS:
        return {}
    return facts | {'ngf': first.shape[0], 'input_nc': first.shape[1], 'norm': norm}


def read_pix2pixhd(weights: dict) -> dict[str, object]:
    """The flags of a global or local generator, from its convolutions by key.

    How many channels it takes does not say what they are: 3 or 1 are taken for a picture, 4 for a
    picture and instance edges, 36 for Cityscapes' labels and edges, any others for labels.
    """
    def blocks(part: str) -> int:
        return len({k.split('.conv_block.')[0] for k in weights
                    if k.startswith(f'{part}.') and '.conv_block.' in k})

    inside = [k for k in weights if k.startswith('model.')]
    before = next((i for i, k in enumerate(inside) if '.conv_block.' in k))
    enhancers = len({k.split('.')[0] for k in weights}) // 2
    outermost = f'model{enhancers}_1.' if enhancers else 'model.'
    first, last = weights[f'{outermost}1.weight'], list(weights.values())[-1]
    facts: dict[str, object] = {
        'model': 'pix2pixHD', 'netG': 'local' if enhancers else 'global', 'ngf': first.shape[0],
        'output_nc': last.shape[0], 'n_downsample_global': before - 1,
        'n_blocks_global': blocks('model')}
    if enhancers:
        facts |= {'n_local_enhancers': enhancers, 'n_blocks_local': blocks('model1_2')}
    takes = first.shape[1]
    if takes in (1, 3):
        return facts | {'input_nc': takes, 'no_instance': True}
    if takes == 4:
        return facts | {'input_nc': 3}
    return facts | ({'label_nc': 35} if takes == 36 else {'label_nc': takes, 'no_instance': True})


def which_flags(state: dict) -> str:
    """The flags that a generator's state dict fits, as a sentence."""
    facts = read_architecture(state)
    flags = [f'--{k}' if v is True else f'--{k} {v}' for k, v in facts.items() if v is not False]
    return f'It fits {" ".join(flags)}.' if flags else 'Choose the run\'s own --model and --netG.'
