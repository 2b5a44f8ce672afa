"""Which frame shows a part: no thigh that is drawn out, no trunk with fingers on it."""
import numpy as np
from drawn_dolls import SIZE, pose

from models.warping.part_choice import PartIndex
from models.warping.parts import Bodies
from models.warping.settings import PartSettings
from pose.matching.retrieval import RetrievalSettings
from pose.skeleton import BODY_25, mirror
from pose.track import PoseTrack


def film(poses):
    return PoseTrack(np.stack(poses), np.arange(len(poses)) / 25, np.arange(len(poses)), 'BODY_25',
                     SIZE)


def chosen(poses, asked):
    """{part: the frame that shows it} of a pose."""
    mirrored = mirror(np.stack(poses), BODY_25, SIZE[0])
    index = PartIndex(film([*poses, *mirrored]), PartSettings(), RetrievalSettings())
    rows = index.choose(film([asked]), Bodies(asked[None], BODY_25))
    return {name: int(row[0]) for name, row in rows.items()}

def test_a_thigh_is_not_drawn_out_of_one_that_was_bent_towards_the_camera():
    """It is nearer by its direction; the other one hangs a little aside."""
    bent = {'RKnee': (110, 142), 'RAnkle': (109, 180), 'LKnee': (130, 142), 'LAnkle': (131, 180)}
    aside = {'RKnee': (86, 158), 'RAnkle': (85, 196), 'LKnee': (154, 158), 'LAnkle': (155, 196)}
    rows = chosen([pose(**bent), pose(**aside)], pose())
    assert rows['R thigh'] in (1, 3)            # 3 is the mirrored one


def test_a_trunk_is_not_taken_from_a_frame_with_fingers_spread_next_to_it():
    """The hand itself lies next to the trunk; its fingers reach over it."""
    near = {'RElbow': (74, 90), 'RWrist': (88, 104)}
    away = {'RElbow': (70, 90), 'RWrist': (52, 104)}
    rows = chosen([pose(**near), pose(**away)], pose(**near))
    assert rows['trunk'] == 1


def test_an_upper_arm_is_not_taken_from_a_frame_with_a_hand_before_its_elbow():
    """Its own direction is the nearer one there; the hand would be a knob on the elbow."""
    towards = {'RElbow': (92, 92), 'RWrist': (92, 95), 'LElbow': (148, 92), 'LWrist': (148, 95)}
    down = {'RElbow': (88, 91), 'RWrist': (86, 119), 'LElbow': (152, 91), 'LWrist': (154, 119)}
    rows = chosen([pose(**towards), pose(**down)], pose())
    assert rows['R upper arm'] in (1, 3)        # 3 is the mirrored one
    assert rows['L upper arm'] in (1, 3)
