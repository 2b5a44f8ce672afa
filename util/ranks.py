"""The processes that torchrun started for one command: who each is, and what they exchange.

    with joined('To go on: ...') as ranks:      # ALONE unless torchrun started several
        found = ranks.of_first(measure)         # the first one measures, all get it

All of them run the same program, and each of these calls must be made by every rank, in the same
order. Rank 0, the first, is the only one that writes, shows and speaks. A rank that is killed
closes its connections, so that the others end within seconds instead of waiting for it. torch is
imported only where there are several.
"""
from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from util.errors import UserError, leave, send_self, warn

if TYPE_CHECKING:
    from torch import Tensor, nn

Made = TypeVar('Made')
# for a rank that lives but does not come: the first one may decode a dataset for some minutes
PATIENCE = timedelta(minutes=30)
LOOK = 0.5          # s between two looks for torchrun
REACH = 60.0        # s that it may take to answer: it may be on another machine
GOODBYE = 60.0      # s to save in, once torchrun is gone
TORCHRUN = 'RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'LOCAL_WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'


class LostRank(UserError):
    """Another rank is gone."""


class Ranks:
    """rank, count    which of how many processes this one is, from 0
    local, nearby    the same among those on this machine
    """

    def __init__(self, rank: int = 0, count: int = 1, local: int = 0, nearby: int = 1,
                 advice: str = '', store: Any = None):
        self.rank, self.count = rank, count
        self.local, self.nearby = local, nearby
        self.advice = advice
        self.store = store
        self.gpus: Any = None       # the group that adds up what lies on GPUs, once there is one

    def __deepcopy__(self, memo: dict[int, Any]) -> Ranks:
        return self                 # a copied network belongs to the same ranks

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    @property
    def are_several(self) -> bool:
        return self.count > 1

    def started_by(self, typed: str) -> str:
        """A command that begins with `python`, for as many processes as these."""
        if not self.are_several:
            return typed
        return typed.replace('python ', f'torchrun --nproc_per_node {self.nearby} ', 1)

    # -- what they exchange --------------------------------------------------------------------

    def wait(self) -> None:
        """Until all ranks have come here."""
        if self.are_several:
            import torch.distributed as dist
            with self.exchange():
                dist.barrier()

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """The first rank runs the block before all others: it alone refuses what is wrong, and what
        it makes, they find."""
        if not self.is_first:
            self.wait()
        yield
        if self.is_first:
            self.wait()

    def of_first(self, make: Callable[[], Made]) -> Made:
        """What make() gives the first rank, for all; the others do not call it."""
        if not self.are_several:
            return make()
        import torch.distributed as dist
        made = [make() if self.is_first else None]
        with self.exchange():
            dist.broadcast_object_list(made, 0)
        return made[0]                                                  # type: ignore[return-value]

    def gather(self, value: Made) -> list[Made]:
        """The value of each rank, in their order."""
        if not self.are_several:
            return [value]
        import torch.distributed as dist
        values: list[Any] = [None] * self.count
        with self.exchange():
            dist.all_gather_object(values, value)
        return values

    def numbers(self, *values: float) -> list[list[float]]:
        """`gather` for a few numbers of every step: one message, a fifth of a millisecond."""
        if not self.are_several:
            return [list(values)]
        import torch
        table = torch.zeros(self.count, len(values), dtype=torch.float64)
        table[self.rank] = torch.tensor(values, dtype=torch.float64)
        self.add(table)
        return table.tolist()

    def add(self, tensor: Tensor) -> None:
        """Replace the tensor by its sum over all ranks, on each of them the same bits."""
        import torch.distributed as dist
        with self.exchange():
            dist.all_reduce(tensor, group=self.group_of(tensor))

    def group_of(self, tensor: Tensor) -> Any:
        """gloo adds on CPUs, nccl on GPUs."""
        if tensor.device.type != 'cuda':
            return None
        if self.gpus is None:
            import torch.distributed as dist
            self.gpus = dist.new_group(backend='nccl', timeout=PATIENCE)
        return self.gpus

    def average(self, networks: Iterable[nn.Module], share: float = 1.0) -> None:
        """Each gradient becomes the mean over all ranks, in one message. A weight without a
        gradient counts as 0, and stays without one where no rank has one.

        share    of this rank in the mean, relative to those of the others

        DistributedDataParallel does the same by wrapping each network. Its wrapper wants one
        forward pass for each backward pass, the same weights in each, and no call of a part of
        the network. Here D sees several batches in a step and is fixed while G learns, stages
        train other parts, and gradient penalties differentiate twice.
        """
        if not self.are_several:
            return
        import torch
        every = [weight for network in networks for weight in network.parameters()]
        trained = [weight for weight in every if weight.requires_grad]
        parts = []
        for weight in trained:
            grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
            parts.append(grad.float().reshape(-1))
        has = [float(weight.grad is not None) for weight in trained]
        flat = torch.cat([*parts, torch.tensor([*has, 1.0], device=parts[0].device)]).mul_(share)
        self.add(flat)
        *sums, counts = flat.split([*(part.numel() for part in parts), len(has) + 1])
        *found, shares = counts.tolist()
        for weight, total, known in zip(trained, sums, found):
            if known:
                weight.grad = torch.empty_like(weight).copy_(total.view_as(weight) / shares)

    # -- who speaks ----------------------------------------------------------------------------

    @contextmanager
    def exchange(self) -> Iterator[None]:
        """A rank that has ended is one sentence, on the others."""
        try:
            yield
        except RuntimeError as error:
            raise LostRank(f'one of the {self.count} processes has ended, and the others end with '
                           f'it. {self.advice}') from error

    def speaks(self) -> bool:
        """Whether this rank is the first that ends with an error: one sentence is enough."""
        try:
            return self.store is None or self.store.add('ended', 1) == 1
        except RuntimeError:        # the process that kept the count is gone
            return True


ALONE = Ranks()


def started() -> int:
    """How many processes torchrun started; 1 without it."""
    count = os.environ.get('WORLD_SIZE', '1')
    return int(count) if count.isdecimal() else 1


def check_alone(script: str, more: str = '') -> None:
    """UserError in one of several processes that torchrun started: each would do it all."""
    if started() > 1:
        raise UserError(f'torchrun started {started()} processes, but {script} works in one. Type '
                        f'python {script} instead{more}.')


@contextmanager
def joined(advice: str) -> Iterator[Ranks]:
    """The ranks of this command; all but the first are silent within the block.

    advice   what to do after a rank was lost
    """
    if started() == 1:
        yield ALONE
        return
    ranks = join(advice)
    out, err = sys.stdout, sys.stderr
    if not ranks.is_first:
        sys.stdout = sys.stderr = open(os.devnull, 'w', encoding='utf-8')   # noqa: SIM115
    try:
        yield ranks
    except Exception:
        if not ranks.speaks():
            sys.exit(1)
        sys.stdout, sys.stderr = out, err
        if not ranks.is_first:      # which may have ended in the middle of its progress bar
            print(file=err)
        raise
    leave_group()
    sys.stdout, sys.stderr = out, err


def join(advice: str) -> Ranks:
    """Wait until all ranks are there, and take this one's share of the machine's cores."""
    missing = [name for name in TORCHRUN if name not in os.environ]
    if missing:
        raise UserError(f'WORLD_SIZE is {started()}, but {missing[0]} is not set. Start with '
                        f'torchrun, which sets both, or unset WORLD_SIZE.')
    threading.Thread(target=end_with, args=(os.getppid(),), name='end with torchrun',
                     daemon=True).start()
    if not torchrun_is_there():
        warn('torchrun is gone, so that this process of it ends too.')
        leave(signal.SIGTERM)
    import torch.distributed as dist
    rank, count, local, nearby = (int(os.environ[name]) for name in TORCHRUN[:4])
    ranks = Ranks(rank, count, local, nearby, advice)
    with ranks.exchange():
        ranks.store, _, _ = next(dist.rendezvous('env://', timeout=PATIENCE))
        dist.init_process_group('gloo', store=ranks.store, rank=rank, world_size=count,
                                timeout=PATIENCE)
    share_cores(nearby)
    return ranks


def torchrun_is_there() -> bool:
    """Whether torchrun listens, where it keeps the store that its processes meet at. One that was
    killed before `end_with` looked for it is no parent of theirs any more, and they would try to
    reach it for as long as PATIENCE. UserError where its machine cannot be reached."""
    if os.environ.get('TORCHELASTIC_USE_AGENT_STORE') != 'True':
        return True         # the first rank keeps it, and may not have come to that yet
    place = os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT'])
    try:
        socket.create_connection(place, REACH).close()
    except ConnectionError:
        return False
    except OSError as error:
        raise UserError(f'the processes of torchrun meet at {place[0]}, port {place[1]}, which '
                        f'cannot be reached: {error}. Check the address that torchrun was given, '
                        f'and the network between the machines.') from error
    return True


def end_with(parent: int) -> None:
    """Wait until torchrun is gone, then stop as SIGTERM asks for: it cannot end its processes where
    it is killed."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    send_self(signal.SIGTERM)
    time.sleep(GOODBYE)
    os._exit(128 + signal.SIGTERM)      # one that waits for others in C takes no signal


def share_cores(nearby: int) -> None:
    """torchrun sets OMP_NUM_THREADS to 1, so that most cores would idle: each of the `nearby`
    processes takes its share of them. Another number is the user's, and stays."""
    if os.environ.get('OMP_NUM_THREADS', '1') != '1':
        return
    import cv2
    import torch
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    share = max(1, (cores or 1) // nearby)
    torch.set_num_threads(share)
    cv2.setNumThreads(share)


def leave_group() -> None:
    import torch.distributed as dist
    if dist.is_initialized():
        dist.destroy_process_group()
