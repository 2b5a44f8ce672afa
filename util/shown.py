"""A decoded frame as a player shows it: RGB, whole pictures, square pixels, upright, one size.

An image is (H, W, 3) uint8 RGB, a size (width, height).
"""
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from util.hdr import ColourMap, is_beyond, kind_of

# H.273's numbers; the range is FFmpeg's
BT709, BT601, BT2020, LIMITED_RANGE, UNSPECIFIED = 1, 5, 9, 1, 2
SAME_ASPECT = 0.02                     # below this difference an aspect is only a scaler's rounding
BEHIND = 0                             # level of the colour behind a transparent video, as players


class Shown:
    """Turns the decoded frames of one reading into pictures.

    stream   the video stream
    size     (width, height) of every picture; None: as the first
    others   {(width, height): how many frames had that, not `size`}; counted here
    """

    def __init__(self, stream: Any, size: tuple[int, int] | None = None,
                 others: dict[tuple[int, int], int] | None = None):
        from av.video.reformatter import VideoReformatter
        self.stream = stream
        self.size = size
        self.others = {} if others is None else others
        self.reformatter = VideoReformatter()
        self.colours: ColourMap | None = None

    def picture(self, frame: Any) -> np.ndarray:
        """The picture of a decoded frame."""
        image = upright(self.in_rgb(frame), display_matrix(frame))
        size = image.shape[1], image.shape[0]
        self.size = self.size or size
        if size != self.size:
            self.others[size] = self.others.get(size, 0) + 1
            image = framed(image, self.size)
        return image

    def in_rgb(self, frame: Any) -> np.ndarray:
        """uint8 RGB of BT.709 with square pixels, of HDR the part that a normal screen shows."""
        wide = float(self.stream.sample_aspect_ratio or 1)
        width = round(frame.width * wide) if abs(wide - 1) > SAME_ASPECT else frame.width
        how: dict[str, Any] = {}
        if frame.colorspace == UNSPECIFIED:                # without a mark, players go by the size
            is_large = frame.height > 576 or frame.width > 1024
            how['src_colorspace'] = BT709 if is_large else BT601
            if is_beyond(frame):
                how['src_colorspace'] = BT2020
        if is_beyond(frame):
            frame = self.mapped(self.reformatter.reformat(
                frame, width=width, format='rgb48le', threads=0, **how))
            how = {}
        has_alpha = any(part.is_alpha for part in frame.format.components)
        image = self.reformatter.reformat(
            frame, width=width, format='rgba' if has_alpha else 'rgb24', threads=0,
            **how).to_ndarray()
        return opaque(image) if has_alpha else image

    def mapped(self, frame: Any) -> Any:
        """The frame with the colours of a normal screen."""
        if self.colours is None or self.colours.kind != kind_of(frame):
            self.colours = ColourMap(frame)
        return self.colours(frame)


def opaque(image: np.ndarray) -> np.ndarray:
    """uint8 RGB of an RGBA image over BEHIND."""
    share = image[..., 3:].astype(np.float32) / 255
    return np.rint(image[..., :3] * share + BEHIND * (1 - share)).astype(np.uint8)


def display_matrix(frame: Any) -> np.ndarray | None:
    """(2, 2): px of the frame -> px of the picture, apart from where they begin; None where the
    file has no such matrix."""
    from av.sidedata.sidedata import SideDataContainer
    # frame.side_data keeps one that keeps the frame: some MB each, until Python looks for cycles
    entry = SideDataContainer(frame).get('DISPLAYMATRIX')      # type: ignore[call-arg]
    if entry is None:
        return None
    a, b, _, c, d = np.frombuffer(entry, np.int32)[:5] / (1 << 16)
    return np.array([[a, c], [b, d]])


def rotation_of(frame: Any) -> int:
    """Degrees counter-clockwise that make it upright, after a mirrored one is mirrored back."""
    matrix = display_matrix(frame)
    if matrix is None:
        return 0
    if np.linalg.det(matrix) < 0:
        matrix = matrix @ np.diag([-1, 1])
    return round(-np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))) % 360


def upright(image: np.ndarray, matrix: np.ndarray | None) -> np.ndarray:
    """The image in the one of eight orientations that is nearest to the display matrix."""
    if matrix is None:
        return image
    import cv2
    (across, across_by_y), (down_by_x, down) = matrix
    # OpenCV turns 1080x1920 in 3 ms, numpy's strided copy takes 13
    if abs(across_by_y) + abs(down_by_x) > abs(across) + abs(down):
        image = cv2.transpose(image)
        across, down = across_by_y, down_by_x
    if across < 0:
        image = cv2.flip(image, 1)
    if down < 0:
        image = cv2.flip(image, 0)
    return np.ascontiguousarray(image)


def framed(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The whole image at `size` (width, height); black bars where its aspect is another."""
    import cv2

    from util.images import resized
    width, height = size
    scale = min(width / image.shape[1], height / image.shape[0])
    w, h = round(image.shape[1] * scale), round(image.shape[0] * scale)
    if w > width * (1 - SAME_ASPECT) and h > height * (1 - SAME_ASPECT):
        return resized(image, size)
    left, top = (width - w) // 2, (height - h) // 2
    return cv2.copyMakeBorder(resized(image, (max(w, 1), max(h, 1))), top, height - h - top, left,
                              width - w - left, cv2.BORDER_CONSTANT, value=(0, 0, 0))


def deinterlaced(frames: Iterable[Any]) -> Iterator[Any]:
    """As many frames, those of two fields made whole.

    From the first frame that is marked as interlaced on, all go through FFmpeg's bwdif, which
    leaves the others as they are. It looks at the frame before and after each.
    """
    graph: Any = None
    made_for: tuple[Any, ...] = ()
    stamps: deque[int | None] = deque()         # of the frames in the graph
    for k, frame in enumerate(frames):
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        kind = frame.format.name, frame.width, frame.height
        if kind != made_for:
            yield from _pulled(graph, stamps, is_end=True)
            graph = _deinterlacer(frame)
            made_for = kind
        stamps.append(frame.pts)
        frame.pts = k       # the filter goes by them, and the frame's own need not ascend
        graph.push(frame)
        yield from _pulled(graph, stamps)
    yield from _pulled(graph, stamps, is_end=True)


def _deinterlacer(frame: Any) -> Any:
    """A graph that makes whole frames of frames of this format and size."""
    from av.filter import Graph
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format,
                              time_base=frame.time_base)
    bwdif = graph.add('bwdif', 'mode=send_frame:deint=interlaced')
    graph.link_nodes(source, bwdif, graph.add('buffersink')).configure()
    return graph


def _pulled(graph: Any, stamps: deque[int | None], is_end: bool = False) -> Iterator[Any]:
    """What the graph has ready, with its own stamps; at the end, all that it holds."""
    import av
    if graph is None:
        return
    if is_end:
        graph.push(None)
    while stamps:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        frame.pts = stamps.popleft()
        yield frame
