"""The numbers of body2body that an experiment may change, with today's values and their reasons.

They are handed in by the model and recorded with the run (run.json, model/settings), so that old
weights keep the numbers they were trained with. An experiment hands in `replace(settings, ...)`.
"""
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from pose.matching.retrieval import RetrievalSettings

Settings = TypeVar('Settings')
# The most that a record may ask for: a whole number, such as candidates, takes memory.
MOST_WHOLE, MOST = 1e5, 1e9


@dataclass(frozen=True)
class WarpSettings:
    """How a frame is bent into a pose (models.warping.bone_warp).

    softness, power   weight of a bone = (reach / (softness reach + distance)) ** power; the
                      paper's a and b
    body              weight of the whole body's movement: that of a bone 6.5 reaches away, since
                      sleeves and hair go with the bone they hang on
    rigid_feet        feet keep their length: a shoe drawn out looks wrong at once
    stretch, fold     strain where the frame is drawn out to twice its width, and where it is folded
    mean_of           strain is the mean over this many grid points to each side: legs bent apart
                      are no better next to the gap than in it, and a sleeve that hangs from an arm
                      is shown whole, by one frame
    facing            strain of the trunk for each body height by which the shoulder lines differ: a
                      trunk seen from the front has strain 1 where one from the side is wanted
    """
    softness: float = 0.4
    power: float = 3.0
    body: float = 0.003
    rigid_feet: bool = True
    stretch: float = 0.4
    fold: float = 0.8
    mean_of: int = 6
    facing: float = 4.0


@dataclass(frozen=True)
class BlendSettings:
    """Logits of the blend (models.warping.blending), and the region a training step looks at.

    sway      the most that G may change a logit, so that no candidate is ever excluded
    person    prior of person against background
    rank      penalty for each rank: a frame counts less than the one chosen before it
    strain    penalty for a unit of strain. Choices are hard: mixed textures are soft, and LPIPS was
              4 % worse at 10
    window    side of the square that a training step looks at, px
    """
    sway: float = 6.0
    person: float = 3.0
    rank: float = 2.0
    strain: float = 150.0
    window: int = 128


@dataclass(frozen=True)
class SelectionSettings:
    """Which frames are shown for a pose (models.warping.selection).

    retrieval      of pose.matching.retrieval
    mirrored       by how much farther, in %, a pose may be to save showing its frame mirrored
    side           replaces that of `retrieval` where frames may be mirrored: one of the two faces
                   the right way, the joints say which, and the depth that tells the side is often
                   wrong for a person in profile
    asked          of further frames: how many of the nearest are compared by the strain they leave
    strain, whole  of further frames: the weight of the strain left, in %^2, and the factor on the
                   cost of the whole pose
    """
    retrieval: RetrievalSettings = field(default_factory=RetrievalSettings)
    mirrored: float = 5.0
    side: float = 5.0
    asked: int = 512
    strain: float = 300.0
    whole: float = 0.3


@dataclass(frozen=True)
class PartSettings:
    """Which frame shows each part of the body where no whole frame is near (models.warping.parts,
    part_choice). Costs are squares of body heights.

    strain      strain left by whole frames, 0..1, above which parts are shown. At 0.2 a held-out
                tai chi dancer is nearer to the truth (LPIPS 0.197, 0.203), but a man in karate
                stances has torn shorts and a ring of shadow
    limb        the same of the worst limb in the nearest frame alone. Held out, parts are nearer to
                the truth than whole frames where that is 2 or 1.2 in the median (LPIPS 0.199,
                0.203; 0.232, 0.288), farther where it is 0.4 or 0.1 (0.215, 0.198; 0.162, 0.129).
                The dancer is at 0.205 with 0.5, 0.203 with 0.8, 0.200 with 0.9, where bent arms of
                another man swell
    previous    as previous_frame, where parts are shown: what is bent as a whole doubles fast arms
    facing      weight of how the trunk faces, against the directions of the bones
    shrugged    weight of how high the head stands above the shoulders of a trunk: of its own bones'
                directions, which raised arms change little. A man's shirt in karate stances, of
                5 seconds of film: pose error 3.9, with it 3.5 % of the height, his print is whole
    drawn_out   cost of a thigh or shin drawn out to e times its length: a thigh that was bent
                towards the camera shows the jacket on it as a second hem at the knee
    hidden      cost of a part that is not seen at all
    covered     cost of an arm, trunk or head that other parts lie on: it would bring them along
    aside       the same of legs, and of an upper arm with a hand over its elbow
    blurred     cost of a part that moves by its own thickness from frame to frame
    unlike      cost of a part that looks wholly unlike itself, as in the light of the other side or
                with a hem over its shoe
    kin         what showing a part by the frame of the part it hangs on saves
    mirrored    cost of a mirrored frame: clothes and hair have a left and a right
    frames      the most frames that are compared; a longer video has many alike
    calm        seconds over which the order of the parts, and whole or parts, holds
    """
    strain: float = 0.12
    limb: float = 0.8
    previous: float = 0.0
    facing: float = 0.5
    shrugged: float = 10.0
    drawn_out: float = 0.15
    hidden: float = 0.08
    covered: float = 0.3
    aside: float = 0.05
    blurred: float = 0.03
    unlike: float = 2.0
    kin: float = 0.004
    mirrored: float = 0.01
    frames: int = 2000
    calm: float = 0.3


@dataclass(frozen=True)
class Body2BodySettings:
    """All of body2body's.

    offset_reach    px of a frame of 256: the largest offset by which G may sample a frame
    light           of [-1, 1]: the most by which the person may be lit otherwise than in the frame
    wrong_frames    share of the frames shown while training that are random: a stranger's pose may
                    be unlike every frame's
    joint_noise     of the picture's size, by which the query's joints are moved while training
    previous_frame  share of the person taken from the frame before, bent into the pose; with less
                    the film flickers more, with more it is softer
    darkest_shadow  share of the light that a shadow on the floor leaves at least; 2 keeps all
                    shadows with the person
    lpips           the perceptual loss is LPIPS where its weights are there
    masks           the detector's masks say who is the person where the dataset has them; without,
                    difference matting around the pose does
    """
    warp: WarpSettings = field(default_factory=WarpSettings)
    blend: BlendSettings = field(default_factory=BlendSettings)
    selection: SelectionSettings = field(default_factory=SelectionSettings)
    parts: PartSettings = field(default_factory=PartSettings)
    offset_reach: float = 8.0
    light: float = 0.5
    wrong_frames: float = 0.1
    joint_noise: float = 0.002
    previous_frame: float = 0.5
    darkest_shadow: float = 0.55
    lpips: bool = True
    masks: bool = True

    def previous_share(self, far: float) -> float:
        """The share of the frame before that a frame takes which is that far from whole frames."""
        return self.previous_frame * (1 - far) + self.parts.previous * far


def recorded(settings: Any) -> dict[str, Any]:
    """The settings as a run's record holds them."""
    return asdict(settings)


def from_record(settings: Settings, record: Any) -> Settings:
    """`settings` with the values of a record, of which only numbers of known names, 0 or more and
    not beyond all measure, are used: a record may be a stranger's."""
    if not isinstance(record, Mapping):
        return settings
    values: dict[str, Any] = {}
    for one in fields(settings):                                # type: ignore[arg-type]
        known = getattr(settings, one.name)
        given = record.get(one.name)
        if is_dataclass(known):
            values[one.name] = from_record(known, given)
        elif is_number(given, known):
            values[one.name] = type(known)(given)
    return replace(settings, **values)                          # type: ignore[type-var]


def is_number(value: Any, known: float) -> bool:
    """Whether a record's value is a number, 0 or more, that may stand for today's `known`."""
    most = MOST if isinstance(known, float) else MOST_WHOLE
    return isinstance(value, (bool, int, float)) and 0 <= value <= most
