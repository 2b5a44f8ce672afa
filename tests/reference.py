"""torchmetrics, against which the scores of pictures are held where it is installed."""
import functools
import sys
from types import ModuleType

import pytest
import torch

DECLARED = torch.library.Library('torchvision', 'FRAGMENT')     # holds as long as it is kept


@functools.cache
def torchmetrics_functions() -> ModuleType:
    """torchmetrics.functional.image; the test that asks is skipped where it is not installed.

    It imports torchvision, which fails beside a torch without CUDA unless someone declares the
    operators that its compiled part would.
    """
    try:
        import torchvision  # noqa: F401
    except ImportError:
        pass
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition('.')[0] == 'torchvision']:
            del sys.modules[name]
        for name in ('nms', 'qnms'):
            DECLARED.define(f'{name}(Tensor dets, Tensor scores, float threshold) -> Tensor')
    return pytest.importorskip('torchmetrics.functional.image')
