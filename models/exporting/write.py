"""A network as an .onnx file, or as an .xml and a .bin file for OpenVINO.

The file computes what painting with torch does: dropout is off, and batch norm uses the statistics
that painting uses. In ONNX, batch norm with the statistics of each image is instance norm.
"""
import io
import json
import warnings
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.exporting.runtimes import KEY, import_openvino
from models.networks.norm import BatchNorm2d
from util.words import printable

OPSET = 17          # of ONNX: what onnxruntime since 1.12, its web version and OpenVINO read
ANY_SIZE = {0: 'batch', 2: 'height', 3: 'width'}


class ImageNorm(nn.Module):
    """Batch norm with each image's own statistics."""

    def __init__(self, layer: BatchNorm2d):
        super().__init__()
        self.weight, self.bias, self.eps = layer.weight, layer.bias, layer.eps

    def forward(self, x: Tensor) -> Tensor:
        return F.instance_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)


def exportable(network: nn.Module) -> nn.Module:
    """A copy that computes the same with operators of ONNX."""
    copy = deepcopy(network).eval()
    for parent in list(copy.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, BatchNorm2d) and layer.by_sample:
                setattr(parent, name, ImageNorm(layer))
    return copy


def write_onnx(network: nn.Module, x: Tensor, file: Path, facts: Mapping[str, str],
               any_size: bool) -> None:
    """Write `network`, as it is while painting; its input and output are named so.

    x          an input that it takes
    facts      what is said of it, as metadata
    any_size   whether it takes images of any size and number; otherwise only those like x
    """
    import onnx
    free = {name: ANY_SIZE for name in ('input', 'output')} if any_size else None
    made = io.BytesIO()         # torch takes no name that is not UTF-8
    with warnings.catch_warnings(), torch.no_grad():
        # torch's newer exporter needs a package more, and writes the same network
        warnings.simplefilter('ignore')
        torch.onnx.export(exportable(network), (x,), made,              # type: ignore[arg-type]
                          dynamo=False, opset_version=OPSET, input_names=['input'],
                          output_names=['output'], dynamic_axes=free)
    model = onnx.load_model_from_string(made.getvalue())
    onnx.helper.set_model_props(model, {key: printable(said) for key, said in facts.items()})
    onnx.checker.check_model(model)
    file.write_bytes(model.SerializeToString())


def write_openvino(onnx_file: Path, file: Path, facts: Mapping[str, str]) -> None:
    """Write an .onnx file as `file`, an .xml, and a .bin with its weights in float32."""
    openvino = import_openvino()
    model = openvino.convert_model(str(onnx_file))
    model.set_rt_info(json.dumps(dict(facts)), KEY)
    openvino.save_model(model, str(file), compress_to_fp16=False)
