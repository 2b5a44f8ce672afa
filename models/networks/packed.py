"""A network to paint with on a CPU: the weights of its convolutions are prepared once.

oneDNN, which computes torch's convolutions on an x86 processor, works on blocks of channels. torch
brings the weights into that order at every call, and autocast rounds them to bfloat16 at every
call. For unet_256, whose 54 million weights meet few pixels, that takes a third of the time at
256x256. Here both are done once.

The operators are those that torch.compile itself puts in the place of a convolution.

Shape letters: B batch, C channels, H W pixels.
"""
import threading
from copy import deepcopy
from functools import cache
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

LAYERS = (nn.Conv2d, nn.ConvTranspose2d)
OPERATORS = ('_convolution_pointwise', '_convolution_transpose_pointwise',
             '_reorder_convolution_weight', '_reorder_convolution_transpose_weight')

_copies: WeakKeyDictionary[nn.Module, dict[torch.dtype, nn.Module]] = WeakKeyDictionary()
_lock = threading.Lock()


@cache
def can_pack(bf16: bool) -> bool:
    """Whether this processor and this version of torch have what `packed` needs, in bfloat16 or in
    float32. Measured on x86 only, so other processors are left alone."""
    if not torch.backends.mkldnn.is_available():
        return False
    if not all(hasattr(torch.ops.mkldnn, name) for name in OPERATORS):
        return False
    return torch.backends.cpu.get_cpu_capability() in (('AVX512',) if bf16 else ('AVX2', 'AVX512'))


def packed(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy of `network` for inference whose convolutions compute in `dtype`; the same one for
    every call. All other layers are those of `network`, and changed weights are noticed."""
    with _lock:
        copies = _copies.setdefault(network, {})
        if dtype not in copies:
            copies[dtype] = packed_copy(network, dtype)
        return copies[dtype]


def packed_copy(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The containers of `network` copied, its convolutions packed, all the rest shared."""
    shared: dict[int, object] = {}
    for tensor in (*network.parameters(), *network.buffers()):
        shared[id(tensor)] = tensor
    for layer in network.modules():
        if isinstance(layer, LAYERS) and layer.padding_mode == 'zeros':
            shared[id(layer)] = PackedLayer(layer, dtype)
        elif not list(layer.children()):
            shared[id(layer)] = layer
    return deepcopy(network, shared)


class PackedLayer(nn.Module):
    """layer(x) for a convolution or a transposed one, in `dtype`: (B, C, H, W) -> (B, C', H', W').

    The order of the weights that is fastest depends on the size of x: they are packed at the first
    call, and once more where the size, or the layer's weights, are other ones.
    """

    def __init__(self, layer: nn.Conv2d | nn.ConvTranspose2d, dtype: torch.dtype):
        super().__init__()
        self.layer = layer
        self.dtype = dtype
        # what both operators of a layer take, in their order
        numbers = [layer.padding, layer.stride, layer.dilation]
        self.pack = torch.ops.mkldnn._reorder_convolution_weight
        self.convolve = torch.ops.mkldnn._convolution_pointwise
        if isinstance(layer, nn.ConvTranspose2d):
            numbers.insert(1, layer.output_padding)
            self.pack = torch.ops.mkldnn._reorder_convolution_transpose_weight
            self.convolve = torch.ops.mkldnn._convolution_transpose_pointwise
        self.geometry = (*map(list, numbers), layer.groups)
        self.known: tuple[object, Tensor, Tensor | None] | None = None
        self.lock = threading.Lock()        # of several threads that paint, one packs

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weights(x)
        return self.convolve(x.to(self.dtype), weight, bias, *self.geometry, 'none', [], '')

    def weights(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The packed weight for inputs of the size of x, and the bias."""
        parameter, bias = self.layer.weight, self.layer.bias
        key = (x.shape, parameter.data_ptr(), parameter._version,
               None if bias is None else bias._version)
        with self.lock:
            if self.known is None or self.known[0] != key:
                weight = self.pack(parameter.to(self.dtype), *self.geometry, list(x.shape))
                self.known = key, weight, None if bias is None else bias.to(self.dtype)
            return self.known[1:]
