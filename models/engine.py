"""What a run computes on: device, precision, and what makes a step fast there."""
import ctypes
import dataclasses
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.networks.norm import normalize_together
from models.networks.packed import can_pack, packed
from util.errors import UserError, warn
from util.ranks import ALONE, Ranks

# A dataset's batch on the device: 'A', 'B' and other images float32 (B, C, H, W) in [-1, 1], other
# arrays as float32 tensors, and paths in lists.
Batch = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Engine:
    """Chosen once at the start of a run.

    device       where tensors are
    bf16         whether forward passes run under bfloat16 autocast; weights stay float32
    plain        fp32, eager, one pass at a time, unfused: the fast path is tested against it
    may_compile  whether torch.compile may be used when it repays its warm-up
    gpu_ids      GPUs that share each batch (DataParallel, as upstream); empty if there is one
    stand_ins    what runs in the place of a network that paints, such as an exported one
    runtime      the name of what runs them
    ranks        processes that share each batch (torchrun)
    """

    device: torch.device
    bf16: bool = False
    plain: bool = False
    may_compile: bool = False
    gpu_ids: tuple[int, ...] = ()
    stand_ins: Mapping[nn.Module, nn.Module] = dataclasses.field(default_factory=dict,
                                                                 compare=False)
    runtime: str = ''
    ranks: Ranks = ALONE

    @property
    def memory_format(self) -> torch.memory_format:
        # measured: channels_last is slower for fp32 convolutions on a CPU, faster for all others
        fast = self.bf16 or self.device.type == 'cuda'
        return torch.channels_last if fast and not self.plain else torch.contiguous_format

    def autocast(self) -> AbstractContextManager:
        """bfloat16 for operations that are safe in it, if this engine uses it."""
        if not self.bf16:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def to_device(self, network: nn.Module) -> nn.Module:
        """The network on the device, its weights in the fastest layout; an attribute
        `memory_format` of the network wins."""
        layout = self.memory_format
        if not self.plain:
            layout = getattr(network, 'memory_format', layout)
        if self.ranks.are_several:
            normalize_together(network, self.ranks)
        return network.to(self.device).to(memory_format=layout)     # type: ignore[call-overload]

    def to_paint(self, network: nn.Module) -> nn.Module:
        """The network to call when nothing trains: its weights packed where this processor gains
        by that, otherwise the network itself."""
        if network in self.stand_ins:
            return self.stand_ins[network]
        bf16 = torch.is_autocast_enabled('cpu')
        gains = bf16 or getattr(network, 'packs_float32', True)
        if self.plain or self.device.type != 'cpu' or not gains or not can_pack(bf16):
            return network
        return packed(network, torch.bfloat16 if bf16 else torch.float32)

    def adam(self, network: nn.Module, lr: float, beta1: float) -> torch.optim.Adam:
        """Adam with betas (beta1, 0.999); fused unless this is the plain path."""
        fused = not self.plain and self.device.type in ('cpu', 'cuda')
        return torch.optim.Adam(network.parameters(), lr=lr, betas=(beta1, 0.999), fused=fused,
                                foreach=False if self.plain else None)

    def to_tensor(self, images: np.ndarray) -> Tensor:
        """uint8 (B, H, W, C) -> float32 (B, C, H, W) in [-1, 1], converted on the device."""
        tensor = torch.from_numpy(np.ascontiguousarray(images))
        tensor = tensor.to(self.device).permute(0, 3, 1, 2)
        return tensor.to(torch.float32, memory_format=self.memory_format).div_(127.5).sub_(1)

    def to_batch(self, batch: dict[str, Any]) -> Batch:
        """A batch of Loader on the device: uint8 arrays are images, others numbers."""
        def moved(value: Any) -> Any:
            if not isinstance(value, np.ndarray):
                return value
            if value.dtype == np.uint8:
                return self.to_tensor(value)
            return torch.from_numpy(value).to(self.device, torch.float32)
        return {key: moved(value) for key, value in batch.items()}

    def __str__(self) -> str:
        """One line for the user: what was chosen."""
        where = self.device.type
        if where == 'cuda':
            where = torch.cuda.get_device_name(self.device)
        elif where == 'cpu':
            where = f'CPU, {torch.get_num_threads()} threads'
        if self.ranks.are_several:
            where = f'{self.ranks.count} processes, each on {where}'
        runtime = f' | {self.runtime}' if self.runtime else ''
        return f'{where} | {"bf16" if self.bf16 else "fp32"}{runtime}'

    @property
    def training(self) -> str:
        """One line for a training run: what makes a step fast."""
        if self.plain:
            return f'{self} | plain eager steps'
        layout = 'channels last, ' if self.memory_format == torch.channels_last else ''
        return (f'{self} | {layout}fused Adam, one pass of D | '
                f'torch.compile {"when it pays" if self.may_compile else "off"}')


def to_image(images: Tensor) -> np.ndarray:
    """float (B, C, H, W) in [-1, 1] -> uint8 (B, H, W, C): the inverse of Engine.to_tensor."""
    images = (images.detach().float() + 1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return images.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def choose_engine(device: str = 'auto', gpu_ids: str | None = None, precision: str = 'auto',
                  no_compile: bool = False, ranks: Ranks = ALONE) -> Engine:
    """The engine for --device, --gpu_ids, --precision and --no_compile; UserError where the
    machine has no such device, or not one for each of the ranks."""
    ids = parse_gpu_ids(gpu_ids)
    if device == 'auto':
        device = best_device(gpu_ids, ids)
    check_device(device, gpu_ids, ids)
    if ranks.are_several:
        check_ranks(device, gpu_ids, ids, ranks)
    if device == 'cuda':
        torch.backends.cudnn.benchmark = True
        place = torch.device('cuda', ids[0] if ids else ranks.local)
        if ranks.are_several:
            torch.cuda.set_device(place)        # where nccl finds it
    else:
        place = torch.device(device)
    if device == 'cpu':
        keep_freed_memory()
    bf16 = precision == 'bf16' or (precision == 'auto' and has_bf16(place))
    # measured: on a CPU without bf16 a compiled pix2pix step is slower than an eager one
    gains = device == 'cuda' or (device == 'cpu' and bf16)
    # a rank that compiles, or fails to, would leave the others waiting
    several = len(ids) > 1 or ranks.are_several
    return Engine(place, bf16=bf16, plain=precision == 'fp32' and no_compile,
                  may_compile=gains and not no_compile and not several,
                  gpu_ids=ids if len(ids) > 1 and device == 'cuda' else (), ranks=ranks)


def best_device(gpu_ids: str | None, ids: tuple[int, ...]) -> str:
    """--device auto: the fastest kind here; one warning where --gpu_ids asks for another."""
    if gpu_ids is not None and not ids:
        return 'cpu'
    if torch.cuda.is_available():
        return 'cuda'
    device = 'mps' if torch.backends.mps.is_available() else 'cpu'
    if ids:
        warn(f'--gpu_ids {gpu_ids}: there is no CUDA device here; using {device}.')
    return device


def check_device(device: str, gpu_ids: str | None, ids: tuple[int, ...]) -> None:
    """UserError where the machine has no such device."""
    if device == 'cuda' and not torch.cuda.is_available():
        raise UserError('--device cuda: PyTorch sees no CUDA device here. Use --device auto.')
    if device == 'mps' and not torch.backends.mps.is_available():
        raise UserError('--device mps: PyTorch sees no Apple GPU here. Use --device auto.')
    if device == 'cuda' and max(ids, default=0) >= torch.cuda.device_count():
        raise UserError(f'--gpu_ids {gpu_ids}: this machine has {torch.cuda.device_count()} '
                        f'GPU(s), numbered from 0.')


def check_ranks(device: str, gpu_ids: str | None, ids: tuple[int, ...], ranks: Ranks) -> None:
    """UserError where the processes of torchrun have no device each."""
    if ids:
        raise UserError(f'--gpu_ids {gpu_ids}: each of the {ranks.count} processes of torchrun '
                        f'has a GPU of its own. Leave that flag out, or type python in place of '
                        f'torchrun.')
    if device == 'mps':
        raise UserError(f'torchrun started {ranks.count} processes, but PyTorch works on one Apple '
                        f'GPU in one process. Type python in place of torchrun, or add --device '
                        f'cpu.')
    here = torch.cuda.device_count() if device == 'cuda' else ranks.nearby
    if here < ranks.nearby:
        raise UserError(f'torchrun started {ranks.nearby} processes, but this machine has {here} '
                        f'GPU(s). Give --nproc_per_node {here}, or --device cpu.')


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next tensor of that size: by default it returns large
    blocks to the system and must zero fresh pages each time. Measured: painting by body2body
    takes a fifth less time. Without glibc nothing happens."""
    mmap_threshold, trim_threshold = -3, -1         # as malloc.h numbers them
    with suppress(OSError, AttributeError, TypeError):
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version       # noqa: B018   # missing in musl, whose mallopt differs
        libc.mallopt(mmap_threshold, 32 << 20)      # the largest value it takes
        libc.mallopt(trim_threshold, (1 << 31) - 1)


def parse_gpu_ids(text: str | None) -> tuple[int, ...]:
    """'0,1' -> (0, 1); '-1' -> ()."""
    try:
        ids = tuple(int(i) for i in (text or '').split(',') if i.strip())
    except ValueError:
        raise UserError(f'--gpu_ids {text}: give numbers like 0 or 0,1, or -1 for the CPU.') \
            from None
    return tuple(i for i in ids if i >= 0)


def has_bf16(device: torch.device) -> bool:
    """Whether the processor itself computes bfloat16, without emulation."""
    if device.type == 'cuda':
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == 'cpu':
        checks = ('_is_amx_tile_supported', '_is_avx512_bf16_supported')
        return any(getattr(torch.cpu, check, lambda: False)() for check in checks)
    return False


def compile_in_place(networks: list[nn.Module]) -> bool:
    """Turn torch.compile on for `networks`; keys and callers do not change.

    Returns   False, after one warning, where there is no compiler
    """
    import shutil
    if not (shutil.which('g++') or shutil.which('clang++') or shutil.which('cl')):
        warn('torch.compile: there is no C++ compiler here; training continues without it.')
        return False
    logging.getLogger('torch._dynamo').setLevel(logging.ERROR)
    logging.getLogger('torch._inductor').setLevel(logging.ERROR)
    for network in networks:
        network.compile()
    return True


def drop_compiled(networks: list[nn.Module]) -> None:
    """Return `networks` to eager mode."""
    for network in networks:
        network._compiled_call_impl = None
