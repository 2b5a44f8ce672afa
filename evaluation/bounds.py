"""How much of a painted film is measured: which of its frames, and at what size.

Time and memory of measuring depend neither on the size of a film nor on its length: frames are
measured at a bounded size, and of a long film short stretches. Only what says how sharp a film is,
and the person's box for LPIPS, are taken from the frames at film size.
"""
import numpy as np

from util.sampling import evenly_spaced

Box = tuple[slice, slice]

# px: the most that the shorter side of a measured frame may have. Films of 256 are measured as they
# are. The detector needs no more: joints found in real frames of three videos of 406x720 to
# 720x1264, 18 frames each, lie 1.15 % of the body height from the dataset's at 256, 1.23 % at full
# size, 1.39 % at 128; its networks see 256x256 of the person whatever the frame has.
SIDE = 256
# (width, height) px of the person's box as a network for LPIPS sees it: upright people of any film
# compare, and the cost is the same for all.
PERSON_SIZE = 128, 192
FRAMES = 120            # of a film that are measured: 0.1 s each on two cores
STRETCH = 8             # frames that follow one another: for motion, and detectors that follow
BASELINE_FRAMES = 16    # of these that the baselines are painted for
BASELINE_STRETCH = 4


def scaled_box(box: Box, before: tuple[int, int], after: tuple[int, int]) -> Box:
    """The same box of a picture of size `before`, in px of the same picture of size `after`."""
    spans = []
    for span, small, large in zip(box, before[::-1], after[::-1]):
        start = span.start * large // small
        spans.append(slice(start, max(start + 1, -(-span.stop * large // small))))
    return spans[0], spans[1]


def measured_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) at which frames of that size are measured."""
    scale = min(1.0, SIDE / min(size))
    return round(scale * size[0]), round(scale * size[1])


def stretches(count: int, most: int, length: int) -> np.ndarray:
    """int (N,), ascending: all of the numbers 0 ... count - 1 if there are at most `most`; else
    stretches of that length, evenly spaced, of at most `most` numbers in all."""
    if count <= most:
        return np.arange(count)
    starts = evenly_spaced(count - length + 1, most // length)
    return np.unique(starts[:, None] + np.arange(length))
