"""The pose stage: a picture of the camera becomes a pose in the target's picture.

    detector -> the person followed -> LiveRepair -> LiveFit -> LiveFacing -> LiveRoom

Each of these knows only the pictures before. Shape letters: K joints.
"""
import numpy as np

from data.target import Target
from live.frames import Captured, Posed
from pose.cleaning.repair import LiveRepair
from pose.detect.base import Detector
from pose.masks import PersonMask
from pose.retargeting.facing import LiveFacing
from pose.retargeting.ground import WINDOW
from pose.retargeting.inside import LiveRoom
from pose.retargeting.retarget import LiveFit
from pose.shots import PictureWatch, body_jumps
from pose.skeleton import convert, skeleton_of
from pose.track import PoseTrack
from pose.tracking.appearance import appearance_of
from pose.tracking.following import LiveFollower
from util.images import size_of

HOLD = 0.5          # seconds for which the last pose is shown when nobody is found
AHEAD = 0.08        # seconds, at most, for which joints are moved on, and without a look: at four
                    # pictures a second an arm is elsewhere by the next one
WATCHED = 72        # rows or columns of a picture in which a cut is looked for: fast, and enough
SMALLEST = 32       # px: nobody is looked for in a smaller picture


class LivePerson:
    """Finds, follows, cleans and fits one person, picture by picture.

    every   the detector looks at every n-th picture, and wherever that would be too seldom; joints
            are moved on between
    """

    def __init__(self, detector: Detector, target: Target, fit: str = 'continuous',
                 facing: str = 'auto'):
        self.detector = detector
        self.target = target
        self.fit_how = fit
        self.facing_how = facing
        self.every = 1
        self.since_look = 0
        self.skeleton = target.skeleton
        self.size = (0, 0)
        self.asked = False          # to measure again

    def __call__(self, captured: Captured) -> Posed:
        image = captured.image
        if image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < SMALLEST:
            return Posed(captured, None, None, None, self.skeleton)
        if size_of(image) != self.size:
            self._start(size_of(image))
        if self.asked:
            self.asked = False
            self.fit.measure_again()
            self.room = LiveRoom(self.target.room)      # what it knows is of the size before
        self.since_look += 1
        if self.since_look >= self.every or captured.time - self.looked > AHEAD:
            self.since_look = 0
            self._look(captured)
        return self._posed(captured)

    def measure_again(self) -> None:
        """Fit the person as it stands from the next picture on. Any thread may call it."""
        self.asked = True

    @property
    def how(self) -> str:
        """What is fitted, and why, in words."""
        return '' if self.size == (0, 0) else f'{self.fit.how}: {self.fit.why}'

    def _start(self, size: tuple[int, int]) -> None:
        """Begin with a camera whose pictures have that (width, height)."""
        self.size = size
        self.watch = PictureWatch(WATCHED)
        self.follower = LiveFollower(self.detector.skeleton, WINDOW)
        self.fit = LiveFit(self.target.ground, self.skeleton, size, self.fit_how)
        self.since_look = self.every
        self.mask: PersonMask | None = None
        self.shown = Posed(Captured(-1, 0.0, np.zeros((0, 0, 3), np.uint8)), None, None, None,
                           self.skeleton)
        self._somebody()

    def _somebody(self) -> None:
        """Begin with a person, or a shot, that nothing is known of."""
        self.repair = LiveRepair(self.skeleton, self.size)
        self.facing = LiveFacing(self.target.facing, self.facing_how)
        self.room = LiveRoom(self.target.room)
        self.fit.measure_again()
        self.joints: np.ndarray | None = None       # (K, 4), cleaned, None: not found
        self.last: np.ndarray | None = None         # (K, 4), as found
        self.jumped = False                         # the picture, since then
        self.speed = np.zeros((len(skeleton_of(self.skeleton).joints), 2))
        self.looked = self.seen = -np.inf           # when it was looked for, and found

    def _look(self, captured: Captured) -> None:
        """Find the person in the picture, and clean the joints."""
        image, time = captured.image, captured.time
        self.watch(image)
        if self.watch.jumped:
            self.detector.reset()
            self.jumped = True
        found = self._chosen(image, captured.seq, time)
        if found is not None:
            if self.jumped and self.last is not None and body_jumps(
                    self.last[:, :3], found[:, :3], time - self.seen, True, self.skeleton):
                self._somebody()                    # a cut of a film that is played as a camera
            self.jumped = False
            self.last = found
        before = self.joints
        self.joints = None if found is None else self.repair(found, time)
        self.looked = time
        if self.joints is not None:
            self.speed = self.repair.speed
            self.seen = time
        elif found is not None:                     # seen, but not believed
            self.joints = before

    def _chosen(self, image: np.ndarray, seq: int, time: float) -> np.ndarray | None:
        """The joints float32 (K, 4) of the person followed; None where there is no torso of it."""
        people = self.detector(image, seq)
        table = skeleton_of(self.detector.skeleton)
        looks = [appearance_of(image, person[:, :3], table) for person in people]
        shown = np.stack(looks) if looks else np.zeros((0, 0))
        row, is_new = self.follower(people, shown, time)
        if is_new:
            self._somebody()
        masks = self.detector.masks()
        self.mask = masks[row] if 0 <= row < len(masks) else None
        if row < 0:
            return None
        own = skeleton_of(self.skeleton)
        found = convert(people[row], table, own)
        hips = ('MidHip',) if 'MidHip' in own.joints else ('RHip', 'LHip')
        torso = [own.index(joint) for joint in ('Neck', *hips)]
        return found if (found[torso, 2] > 0).all() else None

    def _posed(self, captured: Captured) -> Posed:
        """The person as it is now, in the target's picture."""
        time = captured.time
        if self.joints is None:
            if time - self.seen > HOLD:
                return Posed(captured, None, None, None, self.skeleton)
            last = self.shown
            return Posed(captured, None, last.pose, last.depth, self.skeleton, last.scale,
                         last.mask)
        joints = self.joints.copy()
        moved = self.speed * min(max(time - self.seen, 0.0), AHEAD)
        joints[:, :2] += moved * (joints[:, 2:3] > 0)
        pose, into = self.fit(joints[:, :3], time)
        known = np.isfinite(joints[:, 3]).any()
        depth = joints[None, :, 3] * into[0, 0] if known else None
        track = PoseTrack(pose[None], np.array([time]), np.array([max(captured.seq, 0)]),
                          self.skeleton, self.target.size, depth=depth)
        track = self.facing(track, time)
        inside = np.eye(3)
        if self.fit_how != 'off':
            track, inside = self.room(track, time)
        deep = track.depth[0] if track.depth is not None else None
        self.shown = Posed(captured, joints.astype(np.float32), track.poses[0], deep,
                           self.skeleton, inside @ into, self.mask)
        return self.shown
