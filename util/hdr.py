"""HDR and wide colours on a normal screen: BT.2100's PQ and HLG, BT.2020 and Display P3 to BT.709.

A table maps coded colours to coded colours; FFmpeg's lut3d looks every pixel up in it. Light is
relative to the white of paper, which HDR shows at 203 nits (ITU-R BT.2408) and a normal screen as
its brightest. What is brighter is compressed, so that a lamp and a face both keep their shape.

RGB are float64 (..., 3), coded values in [0, 1].
"""
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

PQ, HLG = 16, 18                        # transfer curves by their numbers in H.273
WHITE = 203.0                           # nits, of paper in HDR
PEAK = 1000.0                           # nits: the brightest that HLG shows, and phones film
LINEAR_TO = 0.5                         # of white: darker than that is kept as it is
GAMMA = 2.4                             # of a normal screen (ITU-R BT.1886)
SIDE = 33                               # colours along a side of the table, as is usual

# linear RGB of these primaries (numbers of H.273) to linear RGB of BT.709, all with white D65
BT2020 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083],
                   [-0.0182, -0.1006, 1.1187]])
P3 = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
WIDE = {9: BT2020, 12: P3}


def is_beyond(frame: Any) -> bool:
    """Whether a decoded frame has colours or light that a normal screen does not show."""
    return frame.color_trc in (PQ, HLG) or frame.color_primaries in WIDE


def on_a_screen(coded: np.ndarray, curve: int, primaries: int) -> np.ndarray:
    """The colours of BT.709 for coded ones.

    curve, primaries   the numbers of H.273 with which the file is marked
    """
    if curve in (PQ, HLG):
        light = compressed((light_of_pq(coded) if curve == PQ else light_of_hlg(coded)) / WHITE)
        to_bt709 = WIDE.get(primaries, BT2020)
    else:
        light = coded ** GAMMA
        to_bt709 = WIDE[primaries]
    return (light @ to_bt709.T).clip(0, 1) ** (1 / GAMMA)


def light_of_pq(coded: np.ndarray) -> np.ndarray:
    """Nits of PQ; ITU-R BT.2100, table 4."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = coded ** (1 / m2)
    return 10000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)


def light_of_hlg(coded: np.ndarray) -> np.ndarray:
    """Nits of HLG on a screen of PEAK nits; ITU-R BT.2100, table 5."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(coded <= 0.5, coded ** 2 / 3, (np.exp((coded - c) / a) + b) / 12)
    bright = scene @ (0.2627, 0.6780, 0.0593)
    return PEAK * bright[..., None] ** 0.2 * scene


def compressed(light: np.ndarray) -> np.ndarray:
    """Light of 0 to PEAK / WHITE in 0 to 1; a colour keeps its hue.

    Reinhard et al., "Photographic Tone Reproduction for Digital Images", SIGGRAPH 2002, Eq. 4,
    above LINEAR_TO only.
    """
    brightest = light.max(-1, keepdims=True)
    rest = 1 - LINEAR_TO
    over = np.maximum(brightest - LINEAR_TO, 0) / rest
    most = (PEAK / WHITE - LINEAR_TO) / rest
    shown = np.minimum(brightest, LINEAR_TO) + rest * over * (1 + over / most ** 2) / (1 + over)
    return light * np.minimum(shown, 1) / np.maximum(brightest, 1e-9)


class ColourMap:
    """FFmpeg's lut3d with the table for frames marked so."""

    def __init__(self, frame: Any):
        from av.filter import Graph
        self.kind = kind_of(frame)
        self.graph = Graph()
        source = self.graph.add_buffer(width=frame.width, height=frame.height,
                                       format=frame.format, time_base=frame.time_base)
        with cube_file(frame.color_trc, frame.color_primaries) as path:
            table = self.graph.add('lut3d', file=str(path), interp='tetrahedral')
            self.graph.link_nodes(source, table, self.graph.add('buffersink')).configure()

    def __call__(self, frame: Any) -> Any:
        """The frame of 16 bits a colour, mapped."""
        self.graph.push(frame)
        return self.graph.pull()


def kind_of(frame: Any) -> tuple[Any, ...]:
    """What a map is made for."""
    return frame.width, frame.height, frame.color_trc, frame.color_primaries


@contextmanager
def cube_file(curve: int, primaries: int) -> Iterator[Path]:
    """A .cube file with the table, for as long as the block runs."""
    steps = np.linspace(0, 1, SIDE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing='ij')      # red changes fastest
    table = on_a_screen(np.stack([red, green, blue], -1), curve, primaries).reshape(-1, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'table.cube'
        np.savetxt(path, table, '%.6f', header=f'LUT_3D_SIZE {SIDE}', comments='')
        yield path
