"""Speeds that gpu_check.py measures, with the memory that each takes."""
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

import train
from data.loader import Loader
from evaluation.painting import paint_batches
from models import models
from models.base_model import BaseModel
from models.engine import Engine, choose_engine, compile_in_place
from options.train_options import TrainOptions
from scripts.dev.gpu_checks import Bench, Found, Lacking, compiling, painter
from scripts.dev.resized import resized
from util.sinks.terminal_sink import memory_taken

FILMED = 40, 12         # frames of a film: train, val
ROUNDS = 8              # turns that are counted
WARM_UP = 3             # turns before them


def painting(bench: Bench, size: tuple[int, int]) -> Found:
    """ms a frame that body2body takes for a film of that size, sequentially as test.py paints."""
    place = bench.folder / f'film{size[0]}x{size[1]}'
    data = resized(bench.dataroot, size, place / 'data', *FILMED)
    run = ['--dataroot', str(data), '--name', 'film', '--checkpoints_dir', str(place / 'runs')]
    train.main([*run, '--model', 'body2body', '--max_minutes', '0', '--display_id', '0',
                '--no_html', '--device', bench.device.type])
    model, dataset = painter(run, bench.fast())
    times = [time.perf_counter()]
    width, height = size
    for painted in paint_batches(model, dataset, Loader(dataset, 1, 2).epoch()):
        height, width = painted.fake.shape[1:3]
        times.append(time.perf_counter())
    took = np.diff(times)
    ms = 1e3 * statistics.median(took[WARM_UP:] if len(took) > WARM_UP else took)
    return Found(f'{width}x{height}: {ms:.1f} ms a frame, {1e3 / ms:.1f} frames/s',
                 {'ms': ms, 'size': [width, height], **memory(bench)})


def networks(bench: Bench, size: tuple[int, int], batch: int) -> Found:
    """ms a picture that pix2pix takes, for batches of random poses."""
    model = pix2pix(bench.fast(), batch)
    x = random_images(batch, size)

    def paint() -> None:
        model.paint(model.engine.to_batch({'A': x})).sum().item()
    ms = 1e3 * statistics.median(seconds_of(paint)) / batch
    return Found(f'{ms:.1f} ms a picture, {1e3 / ms:.1f} pictures/s in batches of {batch}',
                 {'ms': ms, 'batch': batch, **memory(bench)})


def training(bench: Bench, size: tuple[int, int], batch: int, compiled: bool = True) -> Found:
    """pix2pix images/s against a plain fp32 loop, and with torch.compile where it runs."""
    plain = choose_engine(bench.device.type, precision='fp32', no_compile=True)
    rates = {'plain': rate_of(pix2pix(plain, batch), size, batch),
             'ours': rate_of(pix2pix(bench.fast(), batch), size, batch)}
    said = []
    if compiled and bench.fast().may_compile:
        model = pix2pix(bench.fast(), batch)
        try:
            with compiling():
                if compile_in_place(list(model.networks.values())):
                    rates['compiled'] = rate_of(model, size, batch)
        except Lacking as error:
            said.append(str(error))
    said = [*(f'{name} {rate:.1f}' for name, rate in rates.items()), *said]
    best = max(rates.values()) / rates['plain']
    return Found(f'images/s in batches of {batch}: {", ".join(said)}; {best:.2f} x the plain loop',
                 {'images_a_second': rates, 'batch': batch, **memory(bench)})


def rate_of(model: BaseModel, size: tuple[int, int], batch: int) -> float:
    """Images a second that a model trains on."""
    x, y = random_images(batch, size), random_images(batch, size)

    def step() -> None:
        float(model.step(model.engine.to_batch({'A': x, 'B': y}))['G_L1'])
    return batch / statistics.median(seconds_of(step))


def seconds_of(work: Callable[[], None]) -> list[float]:
    """Seconds of each turn, without those that warm up. `work` waits until it is done."""
    seconds = []
    for _ in range(WARM_UP + ROUNDS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds[WARM_UP:]


def pix2pix(engine: Engine, batch: int) -> BaseModel:
    """pix2pix as it is trained by default."""
    opt = TrainOptions().parse(['--dataroot', 'none', '--name', 'check', '--batch_size',
                                str(batch)])
    torch.manual_seed(0)
    return models.find('pix2pix')(opt, engine)


def random_images(batch: int, size: tuple[int, int]) -> np.ndarray:
    """uint8 (B, H, W, 3)."""
    return np.random.default_rng(0).integers(0, 256, (batch, size[1], size[0], 3), np.uint8)


def memory(bench: Bench) -> dict[str, float]:
    """The most memory so far: of the GPU since `forget_memory`, of a CPU's whole process."""
    return {'memory_MB': memory_taken(bench.device) / 1e6}


def forget_memory(bench: Bench) -> None:
    """Start to count the GPU's memory here."""
    if bench.device.type == 'cuda':
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(bench.device)
