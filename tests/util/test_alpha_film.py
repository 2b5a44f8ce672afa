"""A film with transparency holds the alpha and the colours that were written, and sound."""
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.util.clips import beep
from util.images import opaque, read_image, read_rgba, write_image
from util.video import probe
from util.video_writer import WITH_ALPHA, VideoWriter


def ghost(k: int) -> np.ndarray:
    """uint8 (96, 64, 4): a soft disc of one colour that goes down."""
    alpha = np.zeros((96, 64), np.uint8)
    cv2.circle(alpha, (30, 30 + 3 * k), 16, 255, -1)
    colour = np.full((96, 64, 3), (200, 90, 40), np.uint8)
    return np.dstack([colour, cv2.GaussianBlur(alpha, (0, 0), 2)])


def decoded(path: Path) -> list[np.ndarray]:
    """uint8 (H, W, 4) of each frame; FFmpeg's own decoder of VP9 leaves the alpha out."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        context = stream.codec_context
        if context.name == 'vp9':
            context = av.CodecContext.create('libvpx-vp9', 'r')
        frames = []
        for packet in film.demux(stream):
            frames += [frame.to_ndarray(format='rgba') for frame in context.decode(packet)]
        return frames


@pytest.mark.parametrize('ending', list(WITH_ALPHA))
def test_the_alpha_that_comes_out_is_the_one_that_went_in(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f'ghost{ending}'
    with VideoWriter(path, fps=25, coding=WITH_ALPHA[ending],
                     sound_from=beep(tmp_path / 'beep.mp4')) as film:
        for k in range(8):
            film.write(ghost(k))
    shown = decoded(path)
    assert len(shown) == 8
    for k, frame in enumerate(shown):
        assert np.abs(frame[..., 3].astype(int) - ghost(k)[..., 3]).max() <= 6
        inside = ghost(k)[..., 3] == 255
        assert np.abs(frame[..., :3].astype(int) - ghost(k)[..., :3])[inside].mean() < 4
    info = probe(path)
    assert info.sound and info.duration == pytest.approx(8 / 25, abs=0.03)


def test_a_png_keeps_straight_alpha_and_is_read_on_black_elsewhere(tmp_path: Path) -> None:
    write_image(tmp_path / 'a.png', ghost(2))
    assert np.array_equal(read_rgba(tmp_path / 'a.png'), ghost(2))
    on_black = read_image(tmp_path / 'a.png')
    assert on_black is not None
    assert np.abs(on_black.astype(int) - opaque(ghost(2))).max() <= 1
