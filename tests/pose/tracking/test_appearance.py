"""Clothes are known again in another pose and light; drawn scenes show what they should."""
import numpy as np
import pytest

from pose.skeleton import BODY_25
from pose.tracking.appearance import appearance_of, unlike
from scripts.demo.body import SOURCE, TARGET
from scripts.demo.dance import SOURCE_DANCE, TARGET_DANCE, choreograph
from scripts.demo.scene import draw_scene, mirror_image, poster, walking
from tests.pose.tracking.dancers import CAMERA, FULL, SIZE


@pytest.fixture(scope='module')
def studio():
    dance = choreograph(TARGET_DANCE, 4)
    return [draw_scene([(figure, dance.at(time))], CAMERA, SIZE, noise=k)
            for k, (figure, time) in enumerate([(TARGET, 0.5), (TARGET, 2.5), (SOURCE, 0.5)])]


def test_a_look_is_known_again_in_another_pose_and_light_and_others_clothes_are_not(studio):
    (image, joints), (later, other_pose), (stranger, body) = studio
    mine = appearance_of(image, joints[0], BODY_25)
    dimmed = appearance_of((later * 0.7).astype(np.uint8), other_pose[0], BODY_25)
    assert mine.shape == (21,) and mine.dtype == np.float32 and np.isfinite(mine).all()
    assert unlike(mine, dimmed) < 1.5 < 3 < unlike(mine, appearance_of(stranger, body[0], BODY_25))


def test_a_look_does_not_mind_left_and_right_mistaken(studio):
    image, joints = studio[0]
    swapped = joints[0][list(BODY_25.partners)]
    assert unlike(appearance_of(image, joints[0], BODY_25),
                  appearance_of(image, swapped, BODY_25)) < 0.1


def test_what_is_not_seen_has_no_look(studio):
    image, joints = studio[0]
    pose = joints[0].copy()
    pose[[BODY_25.index(j) for j in ('RKnee', 'LKnee')]] = 0
    unknown = np.isnan(appearance_of(image, pose, BODY_25)).reshape(7, 3).all(1)
    assert unknown.tolist() == [False] * 5 + [True] * 2
    assert np.isnan(appearance_of(image, pose + np.float32((900, 0, 0)), BODY_25)).all()
    assert np.isnan(unlike(appearance_of(image, np.zeros((25, 3)), BODY_25),
                           appearance_of(image, pose, BODY_25)))


def test_in_a_scene_the_nearer_hides_the_farther_and_what_hangs_keeps_its_joints():
    dance = choreograph(SOURCE_DANCE, 2)
    hung = [(poster(TARGET, FULL, dance.at(1), 120), (10, 20)),
            (mirror_image(SOURCE, FULL, dance.at(1), 120), (230, 20))]
    cast = [(TARGET, walking(0, 0.4, 1)), (SOURCE, walking(0, -0.4, -1))]
    image, joints = draw_scene(cast, CAMERA, SIZE, hung)
    hips = joints[:, BODY_25.index('MidHip'), :2].round().astype(int)
    red, green, _ = np.array([image[y, x] for x, y in hips]).astype(int).T
    assert joints.shape == (4, 25, 3)
    assert ((red - green)[:3] > 40).all() and (green - red)[3] > 40
    assert joints[2, 2, 0] < joints[2, 5, 0] and joints[3, 2, 0] < joints[3, 5, 0]
