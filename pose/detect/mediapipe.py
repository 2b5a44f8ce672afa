"""MediaPipe: everybody in the picture, offline, with hands and face where they are asked for.

Each person is followed from frame to frame: the landmarks give the body's square in the next
picture. New people are searched for every few frames, and at once when somebody is lost.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020, arXiv 2006.10204.
"""
import argparse
import importlib.util
from dataclasses import dataclass, field

import numpy as np

from pose.detect.base import Detector
from pose.detect.decoders import mediapipe_graph
from pose.detect.decoders.face_mesh import from_mesh
from pose.detect.decoders.mediapipe_graph import Picture, Square, square_about
from pose.masks import PersonMask
from pose.one_euro import OneEuro, OneEuroFilter
from pose.skeleton import clean, from_mediapipe, skeleton_of, with_parts
from util.downloads import weights_path
from util.errors import UserError
from util.options import Options

INSTALL = 'pip install mediapipe==0.10.21 (Python 3.10 to 3.12)'
PRESENT = 0.5                 # a network with less confidence has found nothing
SEARCH_EVERY = 10             # the most bodies followed before the next search for others
MOST = 8                      # people who are followed at once
NEAR = 0.3                    # radii of a body's circle: closer hips may be one person's
SAME = 0.12                   # radii of a body's circle: closer landmarks are one person's
MARGIN = 0.1                  # of the shorter side: how far outside a joint may lie
SMALLEST = 36                 # px: a smaller square shows too little, a face of less than 24
# Half a square's side over the radius of the circle around a body, the distance from wrist to
# knuckles, and the distance from mouth to eyes.
BODY_SCALE, HAND_SCALE, FACE_SCALE = 1.25, 1.8, 2.0
ASTRAY = 0.5                  # of its square: a hand or face further from its body is another's
# MediaPipe's own, for 30 frames/s; they smooth the place of a square, never a landmark.
SQUARE, RATE = OneEuro(cutoff=0.01, beta=10.0), 30.0

# Numbers of MediaPipe's landmarks.
NOSE, EYES, MOUTH = 0, [2, 5], [9, 10]
HANDS = {'left_hand': (15, 17, 19), 'right_hand': (16, 18, 20)}     # wrist, little finger, index


@dataclass(eq=False)
class Person:
    """A person being followed.

    circle  (2, 2) px: the middle of the hips and a point on the circle around the body
    marks   (33, 4): x, y, depth px, visibility
    moved   how far the landmarks moved since the frame before, in radii of the circle
    face    the square around the face in the frame before, if one was found
    mask    uint8 (S, S): how much of each pixel of its square is the person; and that square
    """
    circle: np.ndarray
    marks: np.ndarray
    moved: float = 0.0
    face: Square | None = None
    mask: tuple[np.ndarray, Square] | None = None
    smooth: OneEuroFilter = field(init=False)

    def __post_init__(self) -> None:
        self.smooth = OneEuroFilter(self.circle, SQUARE)

    @property
    def radius(self) -> float:
        return max(length(self.circle[1] - self.circle[0]), 1e-6)

    def away(self, circle: np.ndarray) -> float:
        """The distance of that circle's middle from this person's, in radii."""
        return length(circle[0] - self.circle[0]) / self.radius

    def far(self, marks: np.ndarray) -> float:
        """The median distance of these landmarks from this person's, in radii of the circle."""
        return float(np.median(np.hypot(*(self.marks - marks)[:, :2].T))) / self.radius


class MediaPipe(Detector):
    """33 landmarks with visibility, as BODY_25 (without small toes), and hands and face."""
    DESCRIPTION = 'MediaPipe: everybody, with hands and face, offline, no setup'
    RATE = ('about 50 frames/s on two cores at 960x720 for one person, half of that with hands '
            'and face; each further person costs as much again')
    PARTS = ('body', 'hands', 'face')

    @classmethod
    def declare_options(cls, group: 'argparse._ArgumentGroup') -> None:
        group.add_argument('--pose_quality', choices=('lite', 'full', 'heavy'), default='full',
                           help='size of the body network: heavy is a third as fast as full and '
                                'guesses less; it and lite need python scripts/get_models.py '
                                'mediapipe once')

    @classmethod
    def check(cls, opt: Options) -> None:
        if importlib.util.find_spec('mediapipe') is None:
            raise UserError(f'--detector mediapipe: the package mediapipe is not installed. '
                            f'Type: {INSTALL}')
        body_model(opt.pose_quality)

    def __init__(self, opt: Options) -> None:
        self.skeleton = with_parts('BODY_25', opt.parts)
        self.hand: mediapipe_graph.Landmarker | None = None
        self.face: mediapipe_graph.Landmarker | None = None
        try:
            with mediapipe_graph.quiet():
                self.finder = mediapipe_graph.PersonFinder()
                self.body = mediapipe_graph.BodyLandmarker(body_model(opt.pose_quality))
                if 'hands' in opt.parts:
                    self.hand = mediapipe_graph.hand_landmarker()
                if 'face' in opt.parts:
                    self.face = mediapipe_graph.face_landmarker()
        except ImportError as error:
            raise UserError(f'--detector mediapipe: {error}. Type: {INSTALL}') from error
        self.people: list[Person] = []
        self.restless = True        # the number of people has just changed: search everywhere
        self.pause = self.wait = 0  # bodies to follow between two searches; those still to follow
        self.turn = 0               # the square searched last

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        picture = Picture(image)
        known = len(self.people)
        self.people = apart([person for person in self.people if self._follow(picture, person)])
        self._search(picture, everywhere=self.restless or len(self.people) < known)
        self.restless = len(self.people) != known
        poses = [self._pose(picture, person) for person in self.people]
        joints = len(skeleton_of(self.skeleton).joints)
        return np.reshape(poses, (-1, joints, 4)).astype(np.float32)

    def masks(self) -> list[PersonMask | None]:
        shown = [person.mask for person in self.people]
        return [PersonMask.of(mask[0], *mask[1]) if mask else None for mask in shown]

    def reset(self) -> None:
        self.people, self.restless, self.turn = [], True, 0

    def close(self) -> None:
        for network in vars(self).values():
            if isinstance(network, mediapipe_graph.Network):
                network.close()

    def _follow(self, picture: Picture, person: Person) -> bool:
        """Find a known person in the next picture; False if it is gone."""
        square = body_square(person.circle)
        marks, presence = self.body(picture, square)
        if presence < PRESENT:
            return False
        person.mask = self.body.mask(), square
        person.moved = person.far(marks[:33])
        person.marks, circle = marks[:33], marks[33:35, :2]
        person.circle = person.smooth(circle, 2 * length(circle[1] - circle[0]), RATE)
        return True

    def _search(self, picture: Picture, everywhere: bool) -> None:
        """Find new people: everywhere, or in one square when its turn has come."""
        squares = search_squares(picture.width, picture.height)
        self.wait -= len(self.people)               # keeps searches a small share of the work
        if everywhere:
            self.pause = 0
        elif self.people and self.wait > 0:
            return
        else:
            self.turn += 1
            squares = [squares[self.turn % len(squares)]]
        self.pause = min(self.pause + 1, SEARCH_EVERY)      # a hidden person may soon be back
        self.wait = self.pause
        for square in squares:
            unseen = list(self.people)

            def away(circle: np.ndarray, people: list[Person] = unseen) -> float:
                return min((person.away(circle) for person in people), default=0)
            for circle in sorted(self.finder(picture, square), key=away):
                near = min(unseen, key=lambda person: person.away(circle), default=None)
                if near and near.away(circle) < NEAR:
                    unseen.remove(near)
                elif len(self.people) < MOST:
                    self._meet(picture, circle)

    def _meet(self, picture: Picture, circle: np.ndarray) -> None:
        """Follow the person in that circle from now on, unless it is nobody or already known."""
        square = body_square(circle)
        marks, presence = self.body(picture, square)
        if presence >= PRESENT and all(p.far(marks[:33]) > SAME for p in self.people):
            mask = self.body.mask(), square
            self.people.append(Person(marks[33:35, :2], marks[:33], mask=mask))

    def _pose(self, picture: Picture, person: Person) -> np.ndarray:
        """(K, 4), as the detector returns it."""
        found = {'body': from_mediapipe(person.marks)}
        if self.hand:
            found |= self._hands(picture, person, self.hand)
        if self.face:
            found |= self._face(picture, person, self.face)
        table = skeleton_of(self.skeleton)
        pose = np.zeros((len(table.joints), 4))
        for part, joints in found.items():
            pose[table.part(part)] = joints
        pose[:, :2] -= 0.5                          # pixel centres lie at integers
        size = np.array((picture.width, picture.height))
        margin = MARGIN * size.min()
        outside = (pose[:, :2] < -margin) | (pose[:, :2] > size - 1 + margin)
        pose[outside.any(1), 2] = 0
        return clean(pose)

    def _hands(self, picture: Picture, person: Person, network: mediapipe_graph.Landmarker
               ) -> dict[str, np.ndarray]:
        """The hands that are seen, each (21, 4), by their part's name."""
        hands = {}
        for part, (wrist, little, index) in HANDS.items():
            at = person.marks[wrist, :2]
            knuckle = (2 * person.marks[index] + person.marks[little])[:2] / 3
            square = square_about(knuckle, 2 * knuckle - at, HAND_SCALE, lift=0.2)
            if square.side < SMALLEST:
                continue
            marks, presence = network(picture, square)
            if presence >= PRESENT and length(marks[0, :2] - at) < ASTRAY * square.side:
                hands[part] = as_joints(marks, presence, person.marks[wrist, 2])
        return one_each(hands, person.marks)

    def _face(self, picture: Picture, person: Person, network: mediapipe_graph.Landmarker
              ) -> dict[str, np.ndarray]:
        """The face if it is seen, (70, 4), by its part's name."""
        eyes, mouth = (person.marks[pair, :2].mean(0) for pair in (EYES, MOUTH))
        middle = (eyes + mouth) / 2
        square = person.face
        if square is None:          # the body gives a rough place, and the face there the exact one
            guess = square_about(middle, middle + eyes - mouth, FACE_SCALE)
            square = mediapipe_graph.face_square(network(picture, guess)[0])
        marks, presence = network(picture, square)
        person.face = mediapipe_graph.face_square(marks)
        strayed = length(middle - (person.face.x, person.face.y)) > ASTRAY * person.face.side
        if presence < PRESENT or strayed or square.side < SMALLEST:
            person.face = None
            return {}
        return {'face': as_joints(from_mesh(marks), presence, person.marks[NOSE, 2])}


def body_model(quality: str) -> str:
    """The file of that --pose_quality; UserError where it must be downloaded first."""
    if quality == 'full':
        return 'pose_landmark/pose_landmark_full.tflite'        # the package brings it
    return str(weights_path('mediapipe', f'pose_landmark_{quality}.tflite'))


def body_square(circle: np.ndarray) -> Square:
    """The square in which to search for a body, from its circle (2, 2) px."""
    return square_about(circle[0], circle[1], BODY_SCALE)


def apart(people: list[Person]) -> list[Person]:
    """The people without those who slipped onto another: of two in one place, the one that moved
    less stays."""
    kept: list[Person] = []
    for person in sorted(people, key=lambda p: p.moved):
        if all(other.far(person.marks) > SAME for other in kept):
            kept.append(person)
    return [person for person in people if person in kept]


def one_each(hands: dict[str, np.ndarray], marks: np.ndarray) -> dict[str, np.ndarray]:
    """The hands; where both wrists lead to one hand, it belongs to the nearer wrist.

    hands  (21, 4) each by its part's name;  marks  the body's 33 landmarks
    """
    if len(hands) < 2:
        return hands
    left, right = (hands[part][:, :2] for part in HANDS)
    size = length(np.ptp(np.concatenate([left, right]), axis=0))
    if np.median(np.hypot(*(left - right).T)) > 0.2 * size:
        return hands
    nearest = min(HANDS, key=lambda part: length(hands[part][0, :2] - marks[HANDS[part][0], :2]))
    return {nearest: hands[nearest]}


def as_joints(marks: np.ndarray, presence: float, depth: float) -> np.ndarray:
    """(N, 4) x, y, confidence, depth; `depth` is that of the point the marks are relative to."""
    return np.column_stack([marks[:, :2], np.full(len(marks), presence), marks[:, 2] + depth])


def search_squares(width: int, height: int) -> list[Square]:
    """Where to search for people: the whole picture, then overlapping squares of a long one."""
    short, long = sorted((width, height))
    count = 1 + int(np.ceil((long / short - 1) / 0.5)) if long > 1.5 * short else 0
    middles = np.linspace(short / 2, long - short / 2, count)
    squares = [Square(width / 2, height / 2, long)]
    for middle in middles:
        x, y = (middle, short / 2) if width > height else (short / 2, middle)
        squares.append(Square(x, y, short))
    return squares


def length(way: np.ndarray) -> float:
    return float(np.hypot(*way))
