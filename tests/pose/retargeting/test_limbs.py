"""Retargeting bone by bone: her limbs, his angles, and feet that stand where his do."""
from dataclasses import replace

import numpy as np
import pytest

from pose.body import body_sizes
from pose.retargeting.ground import Ground, measure_bones, measure_ground, measure_grounds
from pose.retargeting.limbs import BODY_BONES, bone_ratios, regrow
from pose.retargeting.retarget import choose_how, retarget
from pose.skeleton import BODY_25, COCO_18, convert, skeleton_of
from scripts.demo import body, dance
from scripts.demo import camera as cameras
from tests.pose.retargeting.drawn import (
    CHILD,
    HIGH,
    LOW,
    angles,
    film,
    moved,
    stands,
    still_body,
    target_film,
)
from util.errors import UserError


def turned(before, after):
    """How many degrees each limb was turned, where it is long enough to have a direction."""
    (a, length), (b, _) = angles(before), angles(after)
    return np.abs((a - b + 180) % 360 - 180)[length > 2]


def outside(track):
    joints = track.poses[track.poses[..., 2] > 0][:, :2]
    return ((joints < 0) | (joints > np.array(track.size) - 1)).any(-1).mean()


CASES = {
    'another build': ({}, {}),
    'a child for a grown up': ({}, {'who': CHILD}),
    'a grown up for a child': ({'who': CHILD}, {}),
    'a camera that is lower': ({'camera': LOW}, {}),
    'a camera that is higher': ({'camera': HIGH}, {}),
    'a wide picture': ({'size': (1280, 720)}, {}),
    'an upright picture': ({'size': (360, 640)}, {}),
    'into a wide picture': ({}, {'size': (640, 360)}),
    'further away than she ever was': ({'back': 4.0}, {}),
    'from above, for who stayed at one depth': ({'camera': HIGH}, {'seconds': 12.0}),
    'further away, from above, in a wide picture': (
        {'back': 4.0, 'camera': HIGH, 'size': (1280, 720)}, {})}


def case(name):
    """A source, where its feet stand, and the target's stage."""
    source, target = CASES[name]
    usual = {'who': body.TARGET, 'camera': cameras.TARGET_CAMERA, 'moves': dance.TARGET_DANCE,
             'seconds': 21.0}
    return *film(**source), measure_ground(film(**usual | target)[0])


@pytest.mark.parametrize('name', CASES)
def test_limbs_gives_her_bones_his_angles_and_feet_that_stand(name):
    source, still, target = case(name)
    assert len(stands(still)) >= 5
    fitted = retarget(source, None, target, how='limbs')
    bones = measure_bones(fitted)
    for bone in BODY_BONES:
        assert bones[bone] == pytest.approx(target.bones[bone], rel=0.03), bone
    assert moved(fitted, still) < 1
    assert turned(source, fitted).max() < 2
    assert outside(fitted) < 0.02 and fitted.size == target.size
    assert abs(measure_ground(fitted).near - target.near) < 0.06 * target.height_near


@pytest.mark.parametrize('name', CASES)
def test_global_gives_her_height_and_his_angles(name):
    source, _, target = case(name)
    fitted = retarget(source, None, target)
    assert measure_ground(fitted).height_near == pytest.approx(target.height_near, rel=0.07)
    assert turned(source, fitted).max() < 2
    assert outside(fitted) < 0.02


@pytest.mark.parametrize('name', ['another build', 'a camera that is lower', 'a wide picture',
                                  'further away than she ever was'])
def test_global_keeps_feet_where_the_targets_floor_is_deep_enough(name):
    source, still, target = case(name)
    assert moved(retarget(source, None, target), still) < 1


def test_the_measured_bones_are_those_of_the_drawn_figures():
    """Their ratio, which is all that fitting uses."""
    def truth(who):
        return {'upper arm': 0.54 * who.arms, 'forearm': 0.46 * who.arms, 'hip': who.hips,
                'thigh': 0.505 * who.legs, 'shin': 0.495 * who.legs, 'shoulder': who.shoulders,
                'spine': 1 - body.SOLE - who.legs - body.NECK}
    hers, his = measure_bones(target_film()), measure_bones(film()[0])
    for bone, length in truth(body.TARGET).items():
        ratio = length / truth(body.SOURCE)[bone]
        assert hers[bone] / his[bone] == pytest.approx(ratio, rel=0.03), bone


def test_who_is_seen_larger_for_a_moment_has_no_longer_bones():
    still = still_body()
    poses = still.poses.copy()
    poses[85:, :, :2] = (1.3 * (poses[85:, :, :2] - (100, 150)) + (100, 150)) * poses[85:, :, 2:]
    usual, zoomed = (measure_bones(track) for track in (still, replace(still, poses=poses)))
    assert zoomed['thigh'] == pytest.approx(usual['thigh'], rel=0.06)


def test_the_fit_is_as_large_as_she_is_when_she_dances_his_dance():
    hers = film(body.TARGET, cameras.TARGET_CAMERA, dance.SOURCE_DANCE)[0]
    fitted = retarget(film()[0], None, measure_ground(target_film()), how='limbs')
    theirs, ours = (np.percentile(angles(track)[1][:, :-1], 95, axis=0) for track in (hers, fitted))
    assert ours == pytest.approx(theirs, rel=0.03)


def test_a_foreshortened_limb_stays_foreshortened():
    source, target = film()[0], measure_ground(target_film())
    fitted = retarget(source, None, target, how='limbs')
    whole = retarget(source, None, target)
    grown = angles(fitted)[1] / angles(whole)[1]
    assert grown == pytest.approx(np.broadcast_to(grown[0], grown.shape), rel=5e-3)
    assert np.ptp(grown[0]) > 0.1


def test_what_hides_is_not_invented_and_what_hangs_on_it_stays_in_place():
    source, target = film()[0], measure_ground(target_film())
    whole = retarget(source, None, target, how='limbs')
    poses = source.poses.copy()
    knee, toes = BODY_25.index('RKnee'), [BODY_25.index(j) for j in ('RBigToe', 'LBigToe', 'LHeel')]
    poses[50:70, knee] = 0
    poses[:, toes] = 0
    fitted = retarget(replace(source, poses=poses), None, target, how='limbs')
    assert not fitted.poses[50:70, knee].any() and not fitted.poses[:, toes].any()
    rest = [k for k in range(25) if k not in toes]
    away = np.linalg.norm((fitted.poses - whole.poses)[:, rest, :2], axis=-1)
    away[50:70, rest.index(knee)] = 0
    assert away.max() < 0.02 * target.height_near


def test_either_body_numbering_gives_the_same_fit():
    source, target = film()[0], target_film()

    def coco(track):
        return replace(track, poses=convert(track.poses, BODY_25, COCO_18), skeleton='COCO_18')
    fitted = retarget(coco(source), None, measure_ground(coco(target)), how='limbs')
    wanted = coco(retarget(source, None, measure_ground(target), how='limbs'))
    assert np.abs(fitted.poses - wanted.poses).max() < 0.5


def test_hands_hang_on_wrists_and_the_face_on_the_nose():
    skeleton = skeleton_of('BODY_25+face+hands')
    points = np.random.default_rng(0).normal(0, 50, (3, len(skeleton.joints), 2))
    ratios = dict.fromkeys(bone_ratios({}, {}), 1.0) | {'hand': 2.0, 'face': 0.5, 'forearm': 1.2}
    grown = regrow(points, np.ones(points.shape[:2], bool), skeleton, ratios)
    for joint, root, by in (('LHand8', 'LWrist', 2), ('RHand3', 'RWrist', 2),
                            ('Face30', 'Nose', 0.5)):
        k, r = skeleton.index(joint), skeleton.index(root)
        assert grown[:, k] - grown[:, r] == pytest.approx(by * (points[:, k] - points[:, r]))
    assert bone_ratios({'forearm': 1.0}, {'forearm': 1.2})['hand'] == pytest.approx(1.2)


def test_depth_grows_with_the_body():
    source, target = film()[0], measure_ground(target_film())
    depth = np.ones((len(source), 25), np.float32)
    depth[:, 3] = np.nan
    shots = np.repeat([0, 1], [len(source) - 2, 2])
    for how in ('global', 'limbs'):
        fitted = retarget(replace(source, depth=depth, shots=shots), None, target, how=how)
        scale = body_sizes(fitted.poses, BODY_25)[:-2] / body_sizes(source.poses, BODY_25)[:-2]
        assert fitted.depth[:-2, 0] == pytest.approx(scale, rel=0.05)
        assert np.isnan(fitted.depth[:, 3]).all() and np.isnan(fitted.depth[-2:]).all()


def test_limbs_is_chosen_where_two_bodies_differ_and_were_seen():
    his, hers = measure_grounds(film()[0]), measure_ground(target_film())
    how, why = choose_how(his, hers)
    assert how == 'limbs' and 'shoulder' in why and '17 %' in why
    assert choose_how(measure_grounds(target_film()), hers)[0] == 'global'
    assert choose_how(measure_grounds(film()[0].select(np.arange(15))), hers)[0] == 'global'
    hidden = film()[0].poses.copy()
    hidden[:, [BODY_25.index(j) for j in ('RWrist', 'LWrist')]] = 0
    how, why = choose_how(measure_grounds(replace(film()[0], poses=hidden)), hers)
    assert how == 'global' and 'forearm' in why and 'source' in why
    crouched = replace(hers, bones=dict(hers.bones) | {'thigh': hers.bones['thigh'] / 2})
    assert choose_how(his, crouched)[0] == 'global'


def test_an_old_dataset_without_bones_fits_globally_only():
    facts = measure_ground(target_film()).to_dict()
    assert Ground.from_dict(facts).bones == facts['bones'] and len(facts['bones']) >= 9
    del facts['bones']
    old, source = Ground.from_dict(facts), film()[0]
    assert choose_how(measure_grounds(source), old)[0] == 'global'
    assert np.array_equal(retarget(source, None, old).poses,
                          retarget(source, None, measure_ground(target_film())).poses)
    with pytest.raises(UserError, match='--overwrite'):
        retarget(source, None, old, how='limbs')
    with pytest.raises(UserError, match='source'):
        retarget(source.select(np.arange(15)), None, measure_ground(target_film()), how='limbs')
