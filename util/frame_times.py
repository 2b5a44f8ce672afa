"""When each frame of a video file is shown, and which packet it is decoded from.

All of it is read from the packets, before any frame is decoded, so this is as fast as the disk.
A time stamp is no identity: joined files give one twice, damaged ones step back. A packet's number
in the file is. Files that were joined end to end play one after the other, as in ffmpeg.

F frames. Time 0 is where a player starts the file.
"""
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from util.containers import packets_of, unreadable

STEP_BACK = 0.1       # seconds that stamps of the sound may step back within one recording
# seconds that it jumps ahead there, where the format may (mpegts) and elsewhere; as in ffmpeg
JUMP = 10.0
WILD_JUMP = 3600.0    # no screen recorder waits that long for a change; farther stamps are damaged
REORDERED = 16        # frames: the most by which a decoder gives one too late (H.264, HEVC)
MOST_TICKS = 1e8      # 19 days at 60 a second; times that reach farther are damaged
SAME_TIME = 0.001     # seconds between two frames whose stamps are the same


@dataclass(frozen=True)
class FrameTimes:
    """The frames of a file, in the order shown."""
    seconds: np.ndarray              # float64 (F,), strictly ascending
    packets: np.ndarray              # int64 (F,) the number of the packet, as `shown` counts them
    stamps: np.ndarray               # int64 (F,) the packet's own pts; 0 where it has none
    fps: float                       # on average
    is_counted: bool                 # frame k is the k-th that the decoder gives
    can_seek: bool                   # by a stamp, which then says which frame it is
    joins: tuple[tuple[int, float], ...]
    fault: str                       # what the file itself says is missing, or ''

    def choose(self, start: float, end: float | None, fps: float | None) -> np.ndarray:
        """The numbers of the frames from `start` to before `end`, resampled to `fps`."""
        last = np.inf if end is None else end
        inside = np.flatnonzero((self.seconds >= start - 1e-6) & (self.seconds < last - 1e-6))
        times = self.seconds[inside]
        if not fps or not len(inside):
            return inside
        ticks_in_all = (times[-1] - times[0]) * fps
        if fps * SAME_TIME >= 1 or ticks_in_all > MOST_TICKS:
            return inside
        ticks = np.arange(times[0], times[-1] + 1e-6, 1 / fps)
        after = np.searchsorted(times, ticks).clip(0, len(times) - 1)
        before = (after - 1).clip(0)
        nearest = np.where(ticks - times[before] <= times[after] - ticks, before, after)
        return inside[np.unique(nearest)]

    def shift(self, pos: int | None, seconds: float, newest: float) -> float:
        """Seconds to add to a stamp of the sound, so that it stays in step with the frames.

        pos       byte of the file at which its packet lies
        seconds   its stamp;  newest  the time of the sound before it
        """
        places = [place for place, _ in self.joins]
        part = bisect_right(places, pos or 0)
        shifts = [0.0, *(shift for _, shift in self.joins)]
        # sound and frames lie interleaved: the next part's sound may come before its first frame
        if part < len(self.joins) and seconds + shifts[part] < newest - STEP_BACK:
            part += 1
        return shifts[part]


class _Packet(NamedTuple):
    pts: int | None
    dts: int | None
    duration: int
    pos: int
    is_discard: bool
    is_corrupt: bool


def is_shown(packet: Any) -> bool:
    """Whether a frame is decoded from it: not from an empty one, nor from VP8's hidden ones."""
    if not packet.size:
        return False
    is_vp8 = packet.stream.codec_context.name in ('vp8', 'libvpx')
    return not is_vp8 or bool(memoryview(packet)[0] & 16)       # RFC 6386, 9.1: show_frame


def read_times(path: str, container: Any, stream: Any) -> FrameTimes:
    """Read all time stamps; UserError where there are none."""
    faults: list[str] = []
    packets = [_Packet(p.pts, p.dts, p.duration or 0, p.pos or 0, p.is_discard, p.is_corrupt)
               for p in packets_of(container, stream, faults) if is_shown(p)]
    numbers = np.array([k for k, packet in enumerate(packets) if not packet.is_discard], np.int64)
    if not len(numbers):
        raise unreadable(path, 'it holds no frames')
    kept = [packets[k] for k in numbers]
    begin = (container.start_time or 0) / 1e6
    rate = float(stream.guessed_rate or stream.average_rate or 25)
    joins: tuple[tuple[int, float], ...] = ()
    # AVI has one time for each packet, in the order of the file
    is_counted = container.format.name == 'avi' or any(packet.pts is None for packet in kept)
    if is_counted:
        seconds = _counted(kept, stream, begin, rate)
        stamps = np.zeros(len(kept), np.int64)
    else:
        shifts, joins = _find_joins(packets, stream, _longest_jump(container))
        stamps = np.array([packet.pts for packet in kept], np.int64)
        seconds = in_place(stamps * float(stream.time_base) - begin + shifts[numbers])
        order = np.argsort(seconds, kind='stable')
        seconds, stamps, numbers = seconds[order], stamps[order], numbers[order]
    seconds = spaced(seconds, 1 / rate)
    gaps = len(seconds) - 1
    fps = gaps / (seconds[-1] - seconds[0]) if gaps else float(stream.average_rate or 25)
    if _missing_end(stream, len(packets), packets[-1].is_corrupt, seconds[-1] - seconds[0]):
        faults.append('the file ends early')
    # FFmpeg works out most stamps of mpeg itself, and others after a seek
    is_exact = not (is_counted or joins or container.format.name == 'mpeg')
    can_seek = is_exact and len(np.unique(stamps)) == len(stamps)
    return FrameTimes(seconds, numbers, stamps, float(fps), is_counted, can_seek, joins,
                      faults[0] if faults else '')


def in_place(seconds: np.ndarray) -> np.ndarray:
    """Times of frames (F,) in the order of their packets; those that lie farther from their packet
    than a decoder reorders are damaged, and get the time of their neighbours."""
    packets = np.arange(len(seconds))
    places = np.empty(len(seconds), np.int64)
    places[np.argsort(seconds, kind='stable')] = packets
    is_damaged = np.abs(places - packets) > REORDERED
    if not is_damaged.any() or is_damaged.all():
        return seconds
    known = np.interp(packets, packets[~is_damaged], seconds[~is_damaged])
    return np.where(is_damaged, known, seconds)


def spaced(seconds: np.ndarray, usual: float) -> np.ndarray:
    """Ascending times (F,) with no two the same, and with `usual` for gaps that cannot be."""
    apart = np.arange(len(seconds)) * SAME_TIME
    seconds = np.maximum.accumulate(seconds - apart) + apart
    gaps = np.diff(seconds, prepend=seconds[0])
    if gaps.max() <= WILD_JUMP:
        return seconds
    return seconds[0] + np.cumsum(np.where(gaps > WILD_JUMP, usual, gaps))


def _longest_jump(container: Any) -> float:
    """Seconds by which stamps may jump ahead within one recording."""
    from av.format import Flags
    may_jump = container.format.flags & Flags.ts_discont.value
    return JUMP if may_jump else WILD_JUMP


def _counted(kept: list[_Packet], stream: Any, begin: float, rate: float) -> np.ndarray:
    """float64 (F,) seconds of frames that say nothing of their own: by the packets' places in
    time, where each has one (a frame dropped while filming leaves a gap), else by the rate."""
    places = [packet.dts for packet in kept if packet.dts is not None]
    if len(np.unique(places)) < len(kept):
        return np.arange(len(kept)) / rate
    seconds = np.sort(places) * float(stream.time_base) - begin
    return seconds - min(seconds[0], 0)


def _find_joins(packets: list[_Packet], stream: Any, jump: float
                ) -> tuple[np.ndarray, tuple[tuple[int, float], ...]]:
    """Seconds to add to the stamp of each packet, float64 (P,), and where another recording begins:
    (byte of the file, seconds to add from there)."""
    tick = float(stream.time_base)
    stamps = np.array([np.nan if p.dts is None else p.dts * tick for p in packets])
    skipped = lone(stamps) | np.isnan(stamps)
    joins: list[tuple[int, float]] = []
    shifts = np.zeros(len(packets))
    shift = 0.0
    newest: float | None = None
    expected = 0.0
    for k, packet in enumerate(packets):
        shifts[k] = shift
        if skipped[k]:
            continue
        seconds = stamps[k] + shift
        steps_back = newest is not None and seconds < newest
        jumps = newest is not None and seconds > expected + jump
        if steps_back or jumps:
            shift += expected - seconds
            seconds = expected
            joins.append((packet.pos, shift))
            shifts[k] = shift
        newest = seconds
        expected = seconds + packet.duration * tick
    return shifts, tuple(joins)


def lone(stamps: np.ndarray) -> np.ndarray:
    """bool (P,): stamps far from both those before and after, which ascend. They are damaged."""
    alone = np.zeros(len(stamps), bool)
    before, inner, after = stamps[:-2], stamps[1:-1], stamps[2:]
    is_off = (inner < before - STEP_BACK) | (inner > after + STEP_BACK)
    alone[1:-1] = (before <= after) & is_off
    return alone


def _missing_end(stream: Any, packets: int, last_is_corrupt: bool, read_seconds: float) -> bool:
    """Whether the header promises more than the file holds.

    packets        how many were read
    read_seconds   from the first frame to the last
    """
    promised = (stream.duration or 0) * float(stream.time_base) - read_seconds
    return packets < stream.frames and (last_is_corrupt or promised > 1)
