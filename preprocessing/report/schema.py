"""What report.json holds: every number of the page, and the names of its pictures.

Seconds are the video's. Frames are numbered from 1, as files are named. Shares are 0..1. None, in
the file null, is not known, for example in a dataset that an earlier version made.
"""
from typing import Any, TypedDict


class FrameCounts(TypedDict):
    read: int
    kept: int
    dropped: int
    found: int | None           # frames that show a torso, before repair


class DroppedStretch(TypedDict):
    """Neighbouring frames that are dropped for one reason."""
    first: int                  # frame
    start: float                # seconds
    why: str
    last: int                   # frame
    end: float                  # seconds


class ShotNumbers(TypedDict):
    number: int
    start: float                # seconds
    end: float                  # seconds
    frames: int
    kept: int


class JointNumbers(TypedDict):
    seen: float                 # share of the kept frames
    confidence: float | None    # mean where the joint was found
    filled: int | None          # frames in which repair put it there
    swapped: int | None         # frames in which repair exchanged it with its partner


class Gaps(TypedDict):
    """Stretches of frames in which nobody was found."""
    frames: int                 # in all
    times: int                  # how many gaps
    longest: int                # frames


class Jitter(TypedDict):
    """Median acceleration, % of the body height per frame and frame."""
    before: float | None
    after: float


class Quantiles(TypedDict):
    """Of the kept frames."""
    low: float                  # 5 %
    middle: float               # 50 %
    high: float                 # 95 %


class SizeAndPlace(TypedDict, total=False):
    """What is never seen has no key."""
    height: Quantiles           # body height, % of the picture's height
    place: Quantiles            # hips from the left, % of the picture's width


class PersonNumbers(TypedDict):
    video: SizeAndPlace | None
    written: SizeAndPlace
    outside: float | None       # share of the kept frames with a joint outside the written picture


class MomentPicture(TypedDict):
    frame: int
    seconds: float
    kind: str                   # typical, worst or dropped
    why: str
    picture: str                # path in the dataset's folder


class FurthestPose(TypedDict):
    """A pose far from all training poses, next to the nearest of them."""
    frame: int
    seconds: float
    distance: float             # % of the body height
    training_frame: int
    part: str | None            # body part that is furthest off; None within the limit
    picture: str


class CoverageNumbers(TypedDict):
    """How well a target's training video covers the poses."""
    target: str                 # its dataset
    fitted_to: str | None       # as dataset.json says
    frames: int                 # that were compared
    unknown: float              # share of poses with nothing like them
    limit: float                # % of the body height beyond which nothing is like a pose
    middle: float | None        # median distance, %
    unlike: dict[str, list[list[float]]]        # {body part: [[start, end] seconds]}
    sentence: str
    furthest: list[FurthestPose]


class SideNumbers(TypedDict):
    """One side of a movement. None: not known, or not a target's, or not a dancer's."""
    filmed: float | None                # seconds that the target's training frames show it
    at: list[float] | None              # [start, end] seconds of the longest time
    danced: float | None                # seconds that the dancer does it
    danced_at: list[float] | None


class MovementNumbers(TypedDict):
    """A movement of pose.matching.movements."""
    name: str
    do: str                             # what to do before the camera
    film: int                           # for how many seconds
    seen: bool                          # its joints are in the target's picture
    sides: dict[str, SideNumbers]       # left and right, or ''


class Curves(TypedDict):
    """Lists of one length; each entry is the mean over a short stretch."""
    seconds: list[float | None]
    confidence: list[float | None]
    height_video: list[float | None] | None
    place_video: list[float | None] | None
    height_written: list[float | None]
    place_written: list[float | None]


class OverTime(Curves, total=False):
    distance: list[float | None]        # to the nearest training pose, % of the body height


class Numbers(TypedDict):
    """What the dataset alone tells. `name` to `source` and `split` are as in dataset.json."""
    name: str
    made: str
    layout: str
    source: str
    frames: FrameCounts
    split: dict[str, int]               # {phase: pictures}
    reasons: dict[str, int]             # {why: frames dropped for it}
    dropped: list[DroppedStretch]
    shots: list[ShotNumbers]
    joints: dict[str, JointNumbers]     # {joint of the body: ...}
    gaps: Gaps | None
    repair: dict[str, int]              # {step: count}
    jitter: Jitter
    lag: float | None                   # frames by which repair delays the motion
    person: PersonNumbers
    people: list[dict[str, Any]]        # everybody in the video as in dataset.json, and `picture`
    over_time: OverTime


class Report(Numbers):
    """report.json."""
    moments: list[MomentPicture]
    movements: list[MovementNumbers]
    remarks: list[str]                  # what else to film otherwise; a target's
    coverage: CoverageNumbers | None    # None without a target
    notes: list[str]                    # what is not known, and why
