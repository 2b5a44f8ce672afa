"""Whether a GPU computes what a CPU computes, and how fast, in less than four minutes.

    python scripts/dev/gpu_check.py --dataroot datasets/me --out gpu.json

The dataset is one of preprocess.py. Neither mediapipe nor PyAV is needed. Every check prints a
line; what the device lacks is skipped, with the reason. The exit status is 1 if a check fails.
--device cpu puts the CPU in the place of the GPU.
"""
import argparse
import contextlib
import io
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
# cuBLAS repeats its results only with a workspace of a fixed size
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
from util.errors import UserError, run_main, say
from util.noted import check_ours, write_noted
from util.progress import progress

if TYPE_CHECKING:
    from scripts.dev.gpu_checks import Bench, Found

BUDGET = 225.0          # seconds after which no further check starts
COMPILING = 75.0        # seconds that a check may take which compiles
FAST_PATHS = 'pix2pix', 'body2body'     # models that bf16 and torch.compile are tried with


class Check(NamedTuple):
    """One line of the table; a check that may take long needs that many seconds to be left."""
    name: str
    run: 'Callable[[], Found]'
    needs: float = 0.0


def main(argv: list[str] | None = None) -> dict[str, Any]:
    """Check as `argv` says. Returns what is written as JSON."""
    opt = parser().parse_args(argv)

    import torch

    from models.engine import check_device, choose_engine
    from scripts.dev.gpu_checks import Bench
    check_device(opt.device, None, ())
    check_ours(Path(opt.out).parent, [Path(opt.out).name])
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        engine = choose_engine(opt.device, precision='fp32', no_compile=True)
        bench = Bench(engine, Path(opt.dataroot), Path(folder), opt.side)
        say(f'{engine}, torch {torch.__version__}')
        lines = []
        for check in progress(checks(bench, opt), 'checking'):
            late = time.monotonic() - began + check.needs > opt.seconds
            lines.append(line_of(check, bench, late))
            one = lines[-1]
            say(f'{one["result"]:<8} {one["check"]:<34} {one["says"]}')
    found = {'device': str(engine), 'torch': torch.__version__, 'python': platform.python_version(),
             'cuda': torch.version.cuda, 'seconds': round(time.monotonic() - began, 1),
             'checks': lines}
    write_noted(Path(opt.out), json.dumps(found, indent=1) + '\n')
    counts = [f'{sum(line["result"] == result for line in lines)} {result}'
              for result in ('ok', 'skipped', 'FAILED')]
    say(f'{", ".join(counts)} in {found["seconds"]:.0f} s; written to {opt.out}')
    failed = [line['check'] for line in lines if line['result'] == 'FAILED']
    if failed:
        raise UserError(f'These checks failed: {", ".join(failed)}. {opt.out} says more.')
    return found


def checks(bench: 'Bench', opt: argparse.Namespace) -> list[Check]:
    """All checks, what matters most first."""
    from models import models
    from scripts.dev import gpu_checks, gpu_speeds

    def of(kind: Callable, *given: Any) -> Callable[[], Any]:
        return lambda: kind(bench, *given)

    def exactly(kind: Callable, *given: Any) -> Callable[[], Any]:
        return repeatable(bench.device.type)(of(kind, *given))
    names = opt.models or models.names()
    fast = [name for name in FAST_PATHS if name in names]
    found = [Check(f'{name}: step', exactly(gpu_checks.step, name)) for name in names]
    found += [Check(f'{name}: paint', exactly(gpu_checks.paint, name)) for name in names]
    found += [Check(f'{name}: resume', exactly(gpu_checks.resume, name)) for name in names]
    for size in opt.sizes:
        words = f'{size[0]}x{size[1]}'
        if 'body2body' in names:
            found.append(Check(f'body2body: painting {words}', of(gpu_speeds.painting, size)))
        for batch in (1, opt.batch) if 'pix2pix' in names else ():
            found.append(Check(f'pix2pix: painting {words}, batch {batch}',
                               of(gpu_speeds.networks, size, batch)))
    found += [Check(f'{name}: bf16', of(gpu_checks.bf16, name)) for name in fast]
    for batch in (1, opt.batch) if 'pix2pix' in names else ():
        found.append(Check(f'pix2pix: training, batch {batch}', of(
            gpu_speeds.training, opt.sizes[0], batch, not opt.no_compile)))
    if not opt.no_compile:
        found += [Check(f'{name}: compile', of(gpu_checks.compiled, name), COMPILING)
                  for name in fast]
    return found


def line_of(check: Check, bench: 'Bench', late: bool) -> dict[str, Any]:
    """What a check found, ready for JSON."""
    from scripts.dev.gpu_checks import Failed, Lacking
    from scripts.dev.gpu_speeds import forget_memory, memory
    forget_memory(bench)
    began = time.monotonic()
    line: dict[str, Any] = {'check': check.name, 'result': 'ok'}
    output = io.StringIO()
    try:
        if late:
            raise Lacking('no time is left; give --seconds more')
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            found = check.run()
        line |= {'says': found.says, **found.numbers}
    except Lacking as error:
        line |= {'result': 'skipped', 'says': str(error)}
    except Failed as error:
        line |= {'result': 'FAILED', 'says': str(error)}
    except Exception as error:      # one that breaks must not end the others
        says = f'{type(error).__name__}: {error}'
        line |= {'result': 'FAILED', 'says': says.split('\n')[0][:300],
                 'traceback': traceback.format_exc(), 'printed': output.getvalue()[-2000:]}
    return line | {'seconds': round(time.monotonic() - began, 2), **memory(bench)}


@contextlib.contextmanager
def repeatable(device: str) -> Iterator[None]:
    """Let a GPU compute fp32 as exactly as a CPU, and the same every time, where it can."""
    import torch
    if device != 'cuda':
        yield
        return
    convolutions, products = torch.backends.cudnn, torch.backends.cuda.matmul
    before = convolutions.allow_tf32, products.allow_tf32
    convolutions.allow_tf32 = products.allow_tf32 = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        convolutions.allow_tf32, products.allow_tf32 = before


def size_of_words(words: str) -> tuple[int, int]:
    """'720x1280' -> (720, 1280)."""
    width, _, height = words.partition('x')
    return int(width), int(height)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=(__doc__ or '').split('\n\n')[0],
                                   allow_abbrev=False)
    made.add_argument('--dataroot', required=True, help='a dataset of preprocess.py')
    made.add_argument('--out', default='gpu_check.json', help='FILE.json for what is found')
    made.add_argument('--device', default='cuda', help='cuda, mps or cpu')
    made.add_argument('--sizes', type=size_of_words, nargs='+', metavar='WxH',
                      default=[(256, 256), (720, 1280)], help='px of the films that are timed')
    made.add_argument('--side', type=int, default=128, help='px of pictures that are compared')
    made.add_argument('--batch', type=int, default=16, help='images of the larger batches')
    made.add_argument('--models', nargs='+', help='models to check; default: every one')
    made.add_argument('--no_compile', action='store_true', help='leave torch.compile out')
    made.add_argument('--seconds', type=float, default=BUDGET,
                      help='after which no further check starts')
    return made


if __name__ == '__main__':
    run_main(main)
