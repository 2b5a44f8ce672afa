"""Networks by name. One file per family; what each takes and gives is in its docstring."""
from collections.abc import Callable

from torch import nn
from torch.nn import init

from models.networks.patchgan import NLayerDiscriminator, PixelDiscriminator
from models.networks.resnet import ResnetGenerator
from models.networks.unet import UnetGenerator
from util.errors import unknown_choice

# (input_nc, output_nc, ngf, norm, use_dropout) -> network
GENERATORS: dict[str, Callable[[int, int, int, str, bool], nn.Module]] = {
    'unet_128': lambda i, o, ngf, norm, drop: UnetGenerator(i, o, 7, ngf, norm, drop),
    'unet_256': lambda i, o, ngf, norm, drop: UnetGenerator(i, o, 8, ngf, norm, drop),
    'resnet_6blocks': lambda i, o, ngf, norm, drop: ResnetGenerator(i, o, 6, ngf, norm, drop),
    'resnet_9blocks': lambda i, o, ngf, norm, drop: ResnetGenerator(i, o, 9, ngf, norm, drop),
}
# (input_nc, ndf, n_layers, norm) -> network
DISCRIMINATORS: dict[str, Callable[[int, int, int, str], nn.Module]] = {
    'basic': lambda i, ndf, n, norm: NLayerDiscriminator(i, ndf, 3, norm),
    'n_layers': lambda i, ndf, n, norm: NLayerDiscriminator(i, ndf, n, norm),
    'pixel': lambda i, ndf, n, norm: PixelDiscriminator(i, ndf, norm),
}


def define_G(netG: str, input_nc: int, output_nc: int, ngf: int = 64, norm: str = 'batch',
             use_dropout: bool = False) -> nn.Module:
    """The generator of that name, with torch's own initial weights. Its `multiple` is what both
    sides of its input must be multiples of."""
    if netG not in GENERATORS:
        raise unknown_choice('--netG', netG, GENERATORS, 'models/networks/{}.py')
    return GENERATORS[netG](input_nc, output_nc, ngf, norm, use_dropout)


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
    no_dropout where the keys show it; {} for keys that are no generator's here.

    state   upstream's keys -> tensors
    """
    weights = {k: v for k, v in state.items() if getattr(v, 'ndim', 0) == 4}
    if 'model.model.0.weight' in weights:
        first, last = weights['model.model.0.weight'], weights['model.model.3.weight']
        downs = max(k.count('.model.') for k in weights)
        facts = {'netG': {7: 'unet_128', 8: 'unet_256'}.get(downs), 'output_nc': last.shape[1]}
    elif any('.conv_block.' in k for k in weights):
        first, last = list(weights.values())[0], list(weights.values())[-1]
        blocks = {k.split('.conv_block.')[0] for k in weights if '.conv_block.' in k}
        facts = {'netG': f'resnet_{len(blocks)}blocks', 'output_nc': last.shape[0],
                 'no_dropout': not any('.conv_block.6.weight' in k for k in weights)}
    else:
        return {}
    if facts['netG'] not in GENERATORS:
        return {}
    # batch norm has a scale for each channel; instance norm here has none, but a bias before it
    scales = any(k.endswith('.weight') and v.ndim == 1 for k, v in state.items())
    biases = sum(k.endswith('.bias') and v.ndim == 1 for k, v in state.items())
    norm = 'batch' if scales else 'instance' if biases > 1 else 'none'
    return facts | {'ngf': first.shape[0], 'input_nc': first.shape[1], 'norm': norm}


def which_flags(state: dict) -> str:
    """The flags that a generator's state dict fits, as a sentence."""
    facts = read_architecture(state)
    flags = [f'--{k}' if v is True else f'--{k} {v}' for k, v in facts.items() if v is not False]
    return f'It fits {" ".join(flags)}.' if flags else 'Choose the run\'s own --model and --netG.'
