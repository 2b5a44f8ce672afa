"""What computes an exported network without torch: onnxruntime or OpenVINO, on the CPU."""
from __future__ import annotations

import json
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from util.errors import UserError

KEY = 'body2body'           # the entry of an OpenVINO file that holds what is said of it


class Runtime(Protocol):
    """An exported network.

    facts   what the export says of it; {} where another program wrote the file
    shape   of its input; None where any length will do
    """
    facts: dict[str, str]
    shape: tuple[int | None, ...]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """float32 (B, C, H, W) -> float32 (B, C', H', W'). Several threads may call it."""


class OnnxRuntime:
    """A Runtime of an .onnx file.

    threads   that compute; None: one for each core
    callers   threads that call it at the same time
    """

    def __init__(self, file: Path, threads: int | None = None, callers: int = 1):
        import onnxruntime
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 3         # errors only
        # those of its own, and the one that calls; with two calls at once there are two of these
        settings.intra_op_num_threads = max(1, threads - callers + 1) if threads else 0
        try:
            self.session = onnxruntime.InferenceSession(path_or_bytes(file), settings,
                                                        providers=['CPUExecutionProvider'])
        except Exception as error:      # onnxruntime's own errors have no other common base
            raise unreadable(file, error) from error
        only = self.session.get_inputs()[0]
        self.input, self.shape = only.name, lengths(only.shape)
        self.facts = dict(self.session.get_modelmeta().custom_metadata_map)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.session.run(None, {self.input: x})[0])


class OpenVino:
    """A Runtime of an .xml file with its .bin; parameters as of OnnxRuntime."""

    def __init__(self, file: Path, threads: int | None = None, callers: int = 1):
        openvino = import_openvino()
        core = openvino.Core()
        # where the processor has bfloat16, it is OpenVINO's default, and further from torch
        settings: dict[str, Any] = {'INFERENCE_PRECISION_HINT': 'f32', 'NUM_STREAMS': callers}
        if threads:
            settings['INFERENCE_NUM_THREADS'] = threads
        try:
            model = core.read_model(str(file))
            self.compiled = core.compile_model(model, 'CPU', settings)
        except (RuntimeError, ValueError) as error:
            raise unreadable(file, error) from error
        sides = [None if side.is_dynamic else side.get_length()
                 for side in model.input(0).partial_shape]
        self.shape = lengths(sides)
        self.facts = facts_in(model.get_rt_info(KEY).astype(str)) if model.has_rt_info(KEY) else {}
        self.of_thread = threading.local()      # a request computes one picture at a time

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if not hasattr(self.of_thread, 'request'):
            self.of_thread.request = self.compiled.create_infer_request()
        return np.array(self.of_thread.request.infer({0: x})[0])


RUNTIMES: dict[str, type[OnnxRuntime] | type[OpenVino]] = {
    'onnx': OnnxRuntime, 'openvino': OpenVino}


def path_or_bytes(file: Path) -> str | bytes:
    """Its path; what is in it where its name is not UTF-8, which onnxruntime does not take."""
    try:
        str(file).encode()
    except UnicodeEncodeError:
        return file.read_bytes()
    return str(file)


def import_openvino() -> Any:
    """The package, without the part that looks up a host to count its users."""
    sys.modules.setdefault('openvino_telemetry', None)      # type: ignore[arg-type]
    import openvino
    return openvino


def facts_in(text: str) -> dict[str, str]:
    """What an export said of itself; {} where it was not export.py that wrote it."""
    with suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            return found
    return {}


def lengths(shape: Any) -> tuple[int | None, ...]:
    """A shape in which names of free lengths are None."""
    return tuple(side if isinstance(side, int) else None for side in shape)


def unreadable(file: Path, error: Exception) -> UserError:
    return UserError(f'{file}: cannot be read ({str(error).splitlines()[0]}). Export the run again '
                     f'with scripts/export.py.')
