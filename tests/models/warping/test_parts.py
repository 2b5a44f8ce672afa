"""People painted part by part: which frame shows a part, and what lies before what."""
import cv2
import numpy as np
from drawn_dolls import PLACES, SIZE, WALL, Frames, in_front, names_shown, pose

from models.warping.part_choice import PartIndex, farness
from models.warping.part_layers import Doll
from models.warping.part_maps import part_map
from models.warping.part_order import drawing_order
from models.warping.part_ownership import Ownership
from models.warping.part_widths import measured_parts
from models.warping.parts import Bodies, parts_of
from models.warping.selection import FACING
from models.warping.settings import PartSettings
from pose.matching.retrieval import RetrievalSettings
from pose.skeleton import BODY_25, COCO_18, mirror
from pose.track import PoseTrack

RAISED = {'RElbow': (72, 48), 'RWrist': (56, 22)}
ACROSS = {'RElbow': (88, 90), 'RWrist': (124, 92)}      # a hand before the chest


def painted(poses, asked, rows):
    """uint8 (H, W, 3): a pose, painted from drawn frames of `poses`; rows: {part: frame}, or one
    frame for all parts."""
    doll = Doll(Frames(poses), Bodies(np.stack(poses), BODY_25))
    canvas = np.full((SIZE[1], SIZE[0], 3), WALL, np.uint8)
    order = in_front()
    order.insert(0, 'trunk below')
    if isinstance(rows, int):
        rows = dict.fromkeys(order, rows)
    doll.paint(canvas, unpainted(), Bodies(asked[None], BODY_25), order, rows)
    return canvas


def unpainted():
    """uint8 (H, W): nothing of a picture is covered."""
    return np.zeros(SIZE[::-1], np.uint8)


def middle(start, end, places=PLACES):
    x, y = np.mean([places[start], places[end]], axis=0)
    return round(y), round(x)


def test_each_part_is_laid_on_its_bone():
    """A raised arm from a frame where it hangs, and everything else in its place."""
    shown = names_shown(painted([pose()], pose(**RAISED), 0))
    places = PLACES | RAISED
    for name, start, end in (('R upper arm', 'RShoulder', 'RElbow'),
                             ('R forearm', 'RElbow', 'RWrist'), ('L shin', 'LKnee', 'LAnkle'),
                             ('L forearm', 'LElbow', 'LWrist'), ('R thigh', 'RHip', 'RKnee'),
                             ('trunk', 'Neck', 'MidHip')):
        assert shown[middle(start, end, places)] == name
    assert shown[middle('RElbow', 'RWrist')] == ''         # there is no third arm


def test_a_hand_before_the_chest_does_not_stay_there():
    shown = names_shown(painted([pose(**ACROSS)], pose(), 0))
    x, y = PLACES['Neck'][0], 92
    assert (shown[y - 8:y + 8, x - 10:x + 10] == 'trunk').all()
    assert shown[middle('RElbow', 'RWrist')] == 'R forearm'


def test_what_an_arm_hides_comes_from_the_frame_below():
    poses = [pose(**ACROSS), pose()]
    rows = dict.fromkeys([*in_front(), 'trunk below'], 0) | {'trunk below': 1}
    shown = names_shown(painted(poses, pose(), rows))
    assert (shown[84:100, 110:130] == 'trunk').mean() > 0.95


def test_no_gap_opens_at_a_bent_elbow_and_nothing_sticks_out_of_it():
    bent = {'RElbow': (92, 92), 'RWrist': (64, 92)}
    shown = names_shown(painted([pose()], pose(**bent), 0))
    y, x = PLACES['RElbow'][::-1]
    assert shown[y, x] in ('R upper arm', 'R forearm')
    height = float(Bodies(pose()[None], BODY_25).height[0])
    below = round(y + 2.2 * 0.05 * height)
    assert (shown[below, x - 12:x + 8] == '').all()


def test_a_head_keeps_its_shape_where_ears_are_guessed_wrongly():
    guessed = pose(REar=(90, 60), LEar=(150, 10))
    source, query = (Bodies(one[None], BODY_25) for one in (pose(), guessed))
    linear = part_map(query, source, 'head')[:, :2]
    assert np.allclose(np.linalg.svd(linear)[1], 1, atol=0.05)


def test_a_trunk_neither_folds_nor_becomes_a_line():
    """Shoulders and hips exchanged, or all on one line: it stays as wide as half of it."""
    turned = pose(RShoulder=(140, 62), LShoulder=(100, 62))
    sideways = pose(RShoulder=(120, 62), LShoulder=(121, 62), RHip=(120, 126), LHip=(120, 126))
    source = Bodies(pose()[None], BODY_25)
    for asked in (turned, sideways):
        linear = part_map(Bodies(asked[None], BODY_25), source, 'trunk')[:, :2]
        assert np.linalg.det(linear) > 0 and np.linalg.svd(linear)[1].min() > 0.5


def test_a_part_owns_the_pixels_that_show_it_wherever_it_lies():
    """Also a forearm before the chest."""
    one = pose(**ACROSS)
    ownership = Ownership(Bodies(one[None], BODY_25), SIZE)
    shown = names_shown(Frames([one]).pictures[0][..., :3])
    for name in ('R forearm', 'L forearm', 'R shin', 'head'):
        there = shown == name
        if name == 'head':                      # drawn as a line with round ends
            there[PLACES['Neck'][1]:] = False
        assert there.sum() > 50
        assert ownership.of(name)[there].mean() > 0.85, name
        for other in ('trunk', 'L thigh'):
            assert ownership.of(other)[there].mean() < 0.1, name


def film(poses, fps=25):
    return PoseTrack(np.stack(poses), np.arange(len(poses)) / fps, np.arange(len(poses)),
                     'BODY_25', SIZE)


def both(poses):
    """The track of some frames and of the same mirrored."""
    twice = np.concatenate([np.stack(poses), mirror(np.stack(poses), BODY_25, SIZE[0])])
    count = len(poses)
    times = np.tile(np.arange(count) * 2.0, 2)
    return PoseTrack(twice, times, np.tile(50 * np.arange(count), 2), 'BODY_25', SIZE,
                     shots=np.repeat([0, 1], count))


def chosen(poses, asked):
    index = PartIndex(both(poses), PartSettings(), RetrievalSettings())
    return index.choose(film([asked]), Bodies(asked[None], BODY_25))


def test_a_limb_comes_from_a_frame_where_it_points_that_way():
    poses = [pose(), pose(**RAISED), pose(RKnee=(80, 150), RAnkle=(60, 180))]
    rows = chosen(poses, pose(**RAISED, RKnee=(80, 150), RAnkle=(60, 180)))
    assert rows['R forearm'][0] == 1 and rows['R shin'][0] == 2


def test_a_trunk_is_not_taken_from_a_frame_where_a_hand_lies_before_it():
    rows = chosen([pose(**ACROSS), pose()], pose(**ACROSS))
    assert rows['trunk'][0] == 1


def test_a_trunk_is_not_taken_from_a_frame_of_raised_shoulders_for_arms_that_hang():
    """There the neck lies nearer to the chin: the print on a shirt would be shown too high, even
    though the shoulders are as broad as asked."""
    (right, y), (left, _), (middle, _) = (PLACES[joint] for joint in
                                          ('RShoulder', 'LShoulder', 'Neck'))
    narrow = {'RShoulder': (right + 12, y), 'LShoulder': (left - 12, y)}
    shrugged = {joint: (x, y - 14) for joint, (x, _) in narrow.items()}
    shrugged['Neck'] = middle, y - 14
    poses = [pose(**shrugged), pose()]
    assert chosen(poses, pose(**narrow))['trunk'][0] == 1
    assert chosen(poses, pose(**shrugged))['trunk'][0] == 0


def test_a_part_outside_the_picture_is_not_chosen():
    """A head above the upper edge, seen whole in another frame."""
    up = {joint: (x, y - 45) for joint, (x, y) in PLACES.items()}
    rows = chosen([pose(**up), pose(Nose=(126, 42))], pose())
    assert rows['head'][0] == 1


def test_a_head_is_not_taken_from_a_frame_that_cuts_its_top_off():
    """The face is in the picture, the skull is not."""
    nose = PLACES['Nose'][1]
    up = {joint: (x, y - nose + 14) for joint, (x, y) in PLACES.items()}
    rows = chosen([pose(**up), pose(Nose=(123, nose))], pose())
    assert rows['head'][0] == 1


def test_a_trunk_is_not_taken_from_a_frame_where_a_hand_lies_on_the_collar():
    on_collar = {'LElbow': (150, 34), 'LWrist': (128, 46)}     # and the hand goes on to (113, 54)
    rows = chosen([pose(**on_collar), pose()], pose(**on_collar))
    assert rows['trunk'][0] == 1


def test_an_elbow_that_is_bent_in_its_frame_is_no_knob():
    """The upper arm points sideways, away from a forearm that hangs down."""
    one = pose(RElbow=(60, 60), RWrist=(60, 100))
    reach = 0.04 * float(Bodies(one[None], BODY_25).height[0])
    assert owned_at(one, 'R forearm', (60, 62)) == 1
    assert owned_at(one, 'R forearm', np.array([60 + 0.95 * reach, 60])) < 0.1


def test_the_nearer_arm_lies_before_the_farther_one_and_without_flicker():
    poses = np.stack([pose()] * 25)
    depth = np.zeros((25, 25), np.float32)
    right = [BODY_25.index(joint) for joint in ('RShoulder', 'RElbow', 'RWrist')]
    depth[:, right] = -20
    depth[12, right] = 20                                  # one wrong guess
    track = film(list(poses))
    orders = drawing_order(track, Bodies(poses, BODY_25, depth), PartSettings())
    for order in orders:
        assert order.index('L forearm') < order.index('R forearm')
        assert order.index('trunk') < order.index('head') < order.index('R upper arm')


def test_a_skeleton_without_toes_keeps_its_feet_on_the_shins():
    parts = parts_of(COCO_18)
    assert 'R foot' not in parts and parts['R shin'].beyond > 0
    assert parts_of(BODY_25)['R shin'].beyond == 0


def far_of(poses):
    """How far each of these poses is from a video in which somebody only stands."""
    known = both([pose(), pose(RWrist=(92, 118))])
    rows = np.zeros((len(poses), 1), np.int64)
    return farness(known, rows, film(poses), PartSettings(), FACING)


def test_whole_frames_show_a_pose_that_was_filmed_and_parts_one_that_was_not():
    assert (far_of([pose()] * 30) == 0).all()
    assert (far_of([pose(**RAISED)] * 30) == 1).all()


def test_a_person_does_not_flicker_between_whole_and_parts():
    """One odd frame changes nothing, and the change takes three frames."""
    poses = [pose()] * 60
    poses[20] = pose(**RAISED)
    assert (far_of(poses) == 0).all()
    far = far_of([pose()] * 30 + [pose(**RAISED)] * 30)
    assert far[0] == 0 and far[-1] == 1
    assert ((far > 0) & (far < 1)).sum() == 2


def test_a_pose_without_a_torso_is_left_to_whole_frames():
    nobody = np.zeros((25, 3), np.float32)
    assert (far_of([nobody] * 30) == 0).all()


def test_parts_are_as_thick_as_the_clothes_of_this_person():
    """Wide sleeves on the right arm, in frames where it lies free."""
    poses = [pose(RElbow=(70 - k, 80), RWrist=(46 - k, 100)) for k in range(8)]
    frames = Frames(poses)
    for one, picture in zip(poses, frames.pictures):
        ends = (one[BODY_25.index(joint), :2].astype(int).tolist()
                for joint in ('RElbow', 'RWrist'))
        cv2.line(picture, *ends, (255, 90, 0, 255), 26)
    parts = measured_parts(frames, Bodies(np.stack(poses), BODY_25))
    usual = parts_of(BODY_25)
    assert parts['R forearm'].reach > 1.4 * usual['R forearm'].reach
    assert parts['L forearm'].reach < 1.1 * usual['L forearm'].reach
    assert parts['trunk'] == usual['trunk']


def test_an_arm_is_not_taken_from_a_frame_where_it_lies_on_the_body():
    """It would bring a thigh along; one that hangs free and a little otherwise does not."""
    on_thigh = {'RElbow': (104, 112), 'RWrist': (106, 150)}
    free = {'RElbow': (70, 90), 'RWrist': (66, 127)}
    rows = chosen([pose(**on_thigh), pose(**free)], pose(**on_thigh))
    assert rows['R forearm'][0] == 1


def test_what_does_not_hang_together_with_a_part_is_left_out():
    """A scrap of something next to the head, which the matte takes for the person."""
    frames = Frames([pose()])
    frames.pictures[0][24:34, 158:166] = 9, 9, 9, 255
    doll = Doll(frames, Bodies(pose()[None], BODY_25))
    assert Ownership(Bodies(pose()[None], BODY_25), SIZE).of('head')[28, 161] > 0.5
    canvas = np.full((SIZE[1], SIZE[0], 3), WALL, np.uint8)
    doll.paint(canvas, unpainted(), Bodies(pose()[None], BODY_25), ['head'], {'head': 0})
    assert (names_shown(canvas)[24:34, 156:168] == '').all()


def owned_at(one, name, point):
    """How much of the pixel at that x, y a part owns."""
    x, y = np.rint(point).astype(int)
    return float(Ownership(Bodies(one[None], BODY_25), SIZE).of(name)[y, x])


def test_a_limb_ends_at_its_joints():
    """The forearm points up: past the elbow nothing is the upper arm's."""
    one = pose(RElbow=(60, 100), RWrist=(40, 64))
    shoulder, elbow = (one[BODY_25.index(joint), :2] for joint in ('RShoulder', 'RElbow'))
    way = (elbow - shoulder) / np.hypot(*(elbow - shoulder))
    assert owned_at(one, 'R upper arm', (shoulder + elbow) / 2) == 1
    assert owned_at(one, 'R upper arm', elbow + 16 * way) == 0


def test_the_chest_below_the_neck_is_the_trunks():
    """The print on a shirt comes from one frame, and does not go with the head."""
    x, y = PLACES['Neck']
    assert owned_at(pose(), 'trunk', (x, y + 4)) == 1
    assert owned_at(pose(), 'head', (x, y + 4)) == 0
    bowed = pose(Nose=(120, 80), REye=(116, 86), LEye=(124, 86), REar=(110, 82), LEar=(130, 82))
    assert owned_at(bowed, 'head', (x, 84)) == 1


def test_a_head_that_stands_higher_than_in_the_trunks_frame_leaves_no_gap():
    """Neck and collar of that frame lie below it."""
    up = {joint: (x, y - 10) for joint, (x, y) in PLACES.items()
          if joint in ('Nose', 'REye', 'LEye', 'REar', 'LEar')}
    shown = names_shown(painted([pose()], pose(**up), 0))
    x, y = PLACES['Neck']
    assert '' not in set(shown[PLACES['Nose'][1] - 10:y + 5, x].tolist())


def test_an_arm_before_the_trunk_brings_nothing_of_it_along():
    """Its sleeve may be wide where it lies free."""
    reach = 0.04 * float(Bodies(pose()[None], BODY_25).height[0])
    sideways = np.array([0, 1.2 * reach])
    free = {'RElbow': (60, 100), 'RWrist': (20, 100)}
    assert owned_at(pose(**ACROSS), 'R forearm', np.array([110, 91.2]) + sideways) < 0.5
    assert owned_at(pose(**free), 'R forearm', np.array([40, 100]) + sideways) > 0.8
