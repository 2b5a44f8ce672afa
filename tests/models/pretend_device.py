"""A device of its own on a machine that has none: an operation on tensors of two devices fails.

Within `PretendDevice` the device DEVICE computes on the CPU, but its tensors say that they are on
DEVICE, cannot be read as NumPy arrays, and meet tensors of the CPU only where a GPU lets them.
"""
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device('meta')       # autograd runs its backward passes in the calling thread
COPIES = 'aten::copy_', 'aten::_to_copy'
# CUDA takes the numbers of rows and columns from the CPU too
INDEXES = 'aten::index', 'aten::index_put', 'aten::index_put_', 'aten::_index_put_impl_'


class OnDevice(torch.Tensor):
    """A tensor on DEVICE; `held` has its values, on the CPU."""
    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> 'OnDevice':
        made: OnDevice = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(),
            dtype=held.dtype, device=DEVICE)
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Sequence[type], args: tuple = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        return computed(func, args, kwargs or {})


class TensorsMove(TorchFunctionMode):
    """torch.tensor and its like make their tensor on the CPU and then move it, tolist moves it
    back, lists that index are tensors first: all of it then goes through `computed`."""

    def __torch_function__(self, func: Callable, types: Sequence[type], args: tuple = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.tensor, torch.as_tensor, torch.asarray):
            device = kwargs.pop('device', None)
            made = func(*args, **kwargs)
            return made if device is None else made.to(device)
        if func is torch.Tensor.new_tensor:
            device = kwargs.pop('device', args[0].device)
            kwargs.setdefault('dtype', args[0].dtype)
            return torch.tensor(*args[1:], **kwargs).to(device)
        if func is torch.Tensor.tolist:
            args = (args[0].cpu(),)
        if func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__):
            args = (args[0], tree_map(as_index, args[1], is_leaf=is_list), *args[2:])
        return func(*args, **kwargs)


class PretendDevice(TorchDispatchMode):
    """Within this block there is a DEVICE."""

    def __enter__(self) -> 'PretendDevice':
        self.also = ExitStack()
        self.also.enter_context(TensorsMove())
        # in inference mode `to` and its like come as a whole, not as what they are made of
        self.also.enter_context(patch.object(torch, 'inference_mode', without_gradients))
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.also.close()

    def __torch_dispatch__(self, func: Any, types: Sequence[type], args: tuple = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        return computed(func, args, kwargs or {})


def without_gradients(mode: bool = True) -> Any:
    """torch.inference_mode for tensors that it does not know."""
    return torch.no_grad() if mode else nullcontext()


def computed(func: Any, args: tuple, kwargs: Mapping[str, Any]) -> Any:
    """func(*args, **kwargs), on the device of its tensors or on the one asked for; RuntimeError
    where its tensors are on two devices."""
    given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    moved = [tensor for tensor in given if isinstance(tensor, OnDevice)]
    if moved and not func._schema.name.startswith(COPIES):
        check_one_device(func, args, given)
    kwargs = dict(kwargs)
    asked = kwargs.get('device')
    there = bool(moved)
    if asked is not None:
        there = torch.device(asked) == DEVICE
        kwargs['device'] = torch.device('cpu')
    elif func._schema.name == 'aten::copy_':
        there = isinstance(args[0], OnDevice)
    out = func(*tree_map(held, args), **tree_map(held, kwargs))
    if not there:
        return out
    wrapped = tree_map(lambda leaf: OnDevice(leaf) if isinstance(leaf, torch.Tensor) else leaf, out)
    return return_and_correct_aliasing(func, args, kwargs, wrapped)


def check_one_device(func: Any, args: tuple, given: Sequence[torch.Tensor]) -> None:
    """RuntimeError where a tensor of the CPU, not a single number, meets tensors of DEVICE."""
    may_differ = func._schema.name in INDEXES and isinstance(args[0], OnDevice)
    for tensor in given:
        assert tensor.device != DEVICE or isinstance(tensor, OnDevice), f'{func}: no values'
        if not (may_differ or isinstance(tensor, OnDevice)) and tensor.dim():
            raise RuntimeError(f'{func}: a tensor {tuple(tensor.shape)} is on {tensor.device}, '
                               f'another on {DEVICE}')


def is_list(index: Any) -> bool:
    return isinstance(index, list | np.ndarray)


def as_index(index: Any) -> Any:
    """A list of rows or columns as a tensor of the CPU."""
    return torch.as_tensor(index) if is_list(index) else index


def held(leaf: Any) -> Any:
    return leaf.held if isinstance(leaf, OnDevice) else leaf
