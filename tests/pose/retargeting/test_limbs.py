"""Retargeting bone by bone: her limbs, his angles, and feet that stand where his do.

Drawn figures tell the truth: their joints and which of their feet stand are known.
"""
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from pose.body import body_sizes
from pose.retargeting.feet import contacts, foot_joints, plant, slide
from pose.retargeting.ground import Ground, measure_bones, measure_ground, measure_grounds
from pose.retargeting.limbs import BODY_BONES, bone_ratios, regrow
from pose.retargeting.retarget import choose_how, retarget
from pose.skeleton import BODY_25, COCO_18, convert, skeleton_of
from pose.stretches import runs
from pose.track import PoseTrack
from scripts.demo import body, dance
from scripts.demo import camera as cameras
from tests.pose.test_track import standing
from util.errors import UserError

FPS = 20
HIP = BODY_25.index('MidHip')
ANKLES = [BODY_25.index(joint) for joint in ('RAnkle', 'LAnkle')]
LIMBS = [tuple(BODY_25.index(joint) for joint in bone.split()) for bone in (
    'MidHip Neck', 'Neck Nose', 'RShoulder RElbow', 'RElbow RWrist', 'LShoulder LElbow',
    'LElbow LWrist', 'RHip RKnee', 'RKnee RAnkle', 'LHip LKnee', 'LKnee LAnkle',
    'Neck LShoulder', 'MidHip RHip', 'RAnkle RHeel')]
CHILD = replace(body.TARGET, height=1.1, legs=0.42, arms=0.28, shoulders=0.10, hips=0.05, head=1.3)
LOW, HIGH = (replace(cameras.SOURCE_CAMERA, eye=eye) for eye in (0.5, 2.2))


@lru_cache(maxsize=32)
def film(who=body.SOURCE, camera=cameras.SOURCE_CAMERA, moves=dance.SOURCE_DANCE, seconds=12.0,
         size=(480, 480), back=0.0, noise=0.0):
    """A drawn dance: its track, and bool (F, 2), whether the right and the left foot stand.

    back   metres that everything lies further away
    noise  of the joints, in parts of the body's height
    """
    times = np.arange(round(seconds * FPS)) / FPS
    choreography = dance.choreograph(moves, seconds)
    steps = [choreography.at(time) for time in times]
    view = cameras.View(camera, size[1], camera.tall * size[1] / who.height)
    places = np.array([[view(joint - (0, 0, back))[:2]
                        for joint in body.body_25(who, body.stand_up(who, step))]
                       for step in steps])
    places[..., 0] += (size[0] - size[1]) / 2
    height = camera.tall * size[1] * camera.distance / (camera.distance + back)
    places += np.random.default_rng(0).normal(0, noise * height, places.shape)
    poses = np.concatenate([places, np.ones((*places.shape[:2], 1))], -1)
    feet = np.array([[(step[f'{s}_x'], step[f'{s}_y'], step[f'{s}_z']) for s in 'rl']
                     for step in steps])
    still = (np.abs(np.gradient(feet, axis=0)).max(-1) < 1e-9) & (feet[..., 1] == 0)
    return PoseTrack(poses, times, np.arange(len(poses)), 'BODY_25', size), still


def target_film(**more):
    return film(body.TARGET, cameras.TARGET_CAMERA, dance.TARGET_DANCE, seconds=21.0, **more)[0]


def angles(track):
    """Degrees (F, L) of the limbs, and their lengths px."""
    limbs = np.stack([track.poses[:, b, :2] - track.poses[:, a, :2] for a, b in LIMBS], 1)
    return (np.degrees(np.arctan2(limbs[..., 1], limbs[..., 0])),
            np.linalg.norm(limbs, axis=-1))


def turned(before, after):
    """How many degrees each limb was turned, where it is long enough to have a direction."""
    (a, length), (b, _) = angles(before), angles(after)
    return np.abs((a - b + 180) % 360 - 180)[length > 2]


def stands(still):
    """(foot, stretch) of each stand of half a second or more."""
    return [(foot, run) for foot in (0, 1) for run in runs(still[:, foot])
            if run.stop - run.start >= FPS / 2]


def moved(track, still):
    """How far the standing ankles move at most, in % of the body's height."""
    height = np.median(body_sizes(track.poses, track.joints))
    return 100 / height * max(
        np.linalg.norm(track.poses[run, ANKLES[foot], :2]
                       - track.poses[run.start, ANKLES[foot], :2], axis=1).max()
        for foot, run in stands(still))


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


def test_noise_does_not_break_planting_nor_grow():
    source, still = film(noise=0.005)
    target = measure_ground(target_film())
    fitted = retarget(source, None, target, how='limbs')
    for foot, run in stands(still):
        places = fitted.poses[run, ANKLES[foot], :2]
        half = len(places) // 2
        away = np.linalg.norm(places[:half].mean(0) - places[half:].mean(0))
        assert away < 0.01 * target.height_near
    jitter, was = (np.abs(np.diff(track.poses[:, HIP, :2], 2, axis=0)).mean()
                   for track in (fitted, retarget(source, None, target)))
    assert jitter < 1.05 * was


def swaying_on_shins():
    """A body that sways on its shins, thighs upright and feet still."""
    poses = np.stack([standing(160, 200)] * 120)
    sway = 10 * np.sin(np.arange(120) / 8)[:, None]
    feet = [k for k, joint in enumerate(BODY_25.joints)
            if joint.endswith(('Ankle', 'Toe', 'Heel'))]
    up = [k for k in range(25) if k not in feet and poses[0, k, 2] > 0]
    poses[:, up, 0] += sway
    return PoseTrack(poses, np.arange(120) / 25, np.arange(120), 'BODY_25', (320, 240))


def other_thighs(target):
    return replace(target, bones=dict(target.bones) | {'thigh': 1.3 * target.bones['thigh'],
                                                       'shin': 0.8 * target.bones['shin']})


def test_feet_stand_though_thigh_and_shin_are_not_alike():
    source = swaying_on_shins()
    target = other_thighs(measure_ground(source))
    fitted, whole = (retarget(source, None, target, how) for how in ('limbs', 'global'))
    still = np.ones((120, 2), bool)
    assert moved(source, still) == moved(whole, still) == 0
    assert moved(fitted, still) < 0.2
    hips, as_before = (np.ptp(track.poses[:, HIP, 0]) for track in (fitted, whole))
    assert hips == pytest.approx(0.8 * as_before, rel=0.05)


def test_a_hidden_knee_lengthens_the_leg_by_what_thigh_and_shin_do_together():
    source = swaying_on_shins()
    target = other_thighs(measure_ground(source))
    hidden = source.poses.copy()
    hidden[:, [BODY_25.index('RKnee'), BODY_25.index('LKnee')]] = 0
    spans = [track.poses[:, ANKLES[0], 1] - track.poses[:, BODY_25.index('RHip'), 1] for track in (
        retarget(replace(source, poses=poses), measure_ground(source), target, how='limbs')
        for poses in (source.poses, hidden))]
    assert spans[1] == pytest.approx(spans[0], rel=0.03)


def test_a_foreshortened_limb_stays_foreshortened():
    source, target = film()[0], measure_ground(target_film())
    fitted = retarget(source, None, target, how='limbs')
    whole = retarget(source, None, target)
    grown = angles(fitted)[1] / angles(whole)[1]
    assert grown == pytest.approx(np.broadcast_to(grown[0], grown.shape), rel=5e-3)
    assert np.ptp(grown[0]) > 0.1


def test_a_jump_stays_a_jump():
    poses = film()[0].poses.copy()
    poses[:] = poses[10]
    poses[100:112, :, 1] -= 30 * np.sin(np.linspace(0, np.pi, 12))[:, None]
    source = replace(film()[0], poses=poses)
    target = measure_ground(target_film())
    fitted, whole = (retarget(source, None, target, how) for how in ('limbs', 'global'))
    assert not contacts(source)[103:109].any() and contacts(source)[:95].all()
    high, as_high = (track.poses[:98, ANKLES, 1].mean() - track.poses[100:112, ANKLES, 1].min()
                     for track in (fitted, whole))
    assert high == pytest.approx(as_high, rel=0.1)
    assert fitted.poses[130, ANKLES, 1] == pytest.approx(fitted.poses[90, ANKLES, 1], abs=1)


def test_several_shots_go_on_where_the_last_one_ended():
    near = replace(cameras.SOURCE_CAMERA, tall=0.8, centre=0.6, floor=0.95)
    a, b = film()[0], film(camera=near)[0]
    shots = np.repeat([0, 1, 2], [100, 3, 120])
    source = replace(a.select(np.arange(223)), shots=shots,
                     poses=np.concatenate([a.poses[:103], b.poses[103:223]]))
    assert set(measure_grounds(source)) == {0, 2}
    for how in ('limbs', 'global'):
        for kind in ('keep', 'follow', 'center'):
            fitted = retarget(source, None, measure_ground(target_film()), how, kind)
            assert not fitted.poses[100:103].any(), 'a shot too short to be measured'
            step = fitted.poses[103] - fitted.poses[99]
            height = np.median(body_sizes(fitted.poses, BODY_25)[:99])
            assert np.abs(step[[HIP, *ANKLES], :2]).max() < 0.05 * height, (how, kind)


def test_no_ankle_jumps_at_a_cut_though_the_walk_left_the_targets_floor():
    """Steps to the camera, then he stands in another view; the target never went to nor fro."""
    steps = film(moves=(('walk_in', 1),) * 3, seconds=7.0)[0]
    source = replace(film()[0].select(np.arange(200)), shots=np.repeat([0, 1], [140, 60]),
                     poses=np.concatenate([steps.poses, steps.poses[[0] * 60]]))
    target = measure_ground(film(body.TARGET, cameras.TARGET_CAMERA, dance.TARGET_DANCE)[0])
    assert target.near == target.far
    fitted = retarget(source, None, target, how='limbs')
    assert fitted.poses[139, ANKLES, 1].max() > target.near + 0.02 * target.height_near
    jump = fitted.poses[140, ANKLES, 1].max() - fitted.poses[139, ANKLES, 1].max()
    assert abs(jump) < 0.01 * target.height_near


def test_who_is_held_at_the_centre_comes_back_to_it_after_a_cut():
    still = film()[0].select(np.repeat(0, 240))
    poses = still.poses.copy()
    poses[:120, :, 0] += 40 * np.cos(2 * np.pi * (np.arange(120) - 119) / 24)[:, None]
    source = replace(still, poses=poses, shots=np.repeat([0, 1], 120), times=np.arange(240) / FPS,
                     index=np.arange(240))
    target = measure_ground(target_film())
    held = retarget(source, None, target, walk='center').poses[:, HIP, 0]
    assert abs(held[119] - target.centre) > 20
    assert abs(held[120] - held[119]) < 5
    assert held[-1] == pytest.approx(target.centre, abs=8)


def test_the_walk_is_kept_scaled_or_held():
    source = film(moves=(('walk_side', 1),) * 4, camera=replace(cameras.SOURCE_CAMERA, tall=0.3,
                                                               centre=0.2), size=(960, 480))[0]
    target = measure_ground(target_film())
    wide = replace(target, size=(1200, 480), centre=600, left=500, right=700)
    for how in ('limbs', 'global'):
        fitted = {kind: retarget(source, None, wide, how, kind)
                  for kind in ('keep', 'follow', 'center')}
        way = {kind: np.ptp(track.poses[:, HIP, 0]) for kind, track in fitted.items()}
        scale = np.median(body_sizes(fitted['keep'].poses, BODY_25)
                          / body_sizes(source.poses, BODY_25))
        assert way['keep'] == pytest.approx(scale * np.ptp(source.poses[:, HIP, 0]), rel=0.06)
        assert way['follow'] == pytest.approx(200, rel=0.25 if how == 'limbs' else 0.1)
        assert way['center'] < 0.2 * wide.height_near
        assert np.median(fitted['center'].poses[:, HIP, 0]) == pytest.approx(600, abs=10)


def test_shorter_legs_make_a_long_walk_shorter_and_do_not_slide():
    source, still = film(moves=(('walk_side', 1),) * 12, seconds=26.0, size=(1400, 480),
                         camera=replace(cameras.SOURCE_CAMERA, tall=0.3, centre=0.0))
    child = measure_ground(film(CHILD, cameras.TARGET_CAMERA, dance.TARGET_DANCE, seconds=21.0)[0])
    wide = replace(child, size=(3200, 480), centre=1600, left=500, right=2700)
    assert moved(retarget(source, None, wide, how='limbs'), still) < 0.3


def test_who_sways_is_swaying_still_when_he_is_held():
    source = film()[0]
    poses = source.poses.copy()
    poses[:] = poses[0]
    poses[..., 0] += 6 * np.sin(2 * np.pi * source.times)[:, None]
    held = retarget(replace(source, poses=poses), None, measure_ground(target_film()),
                    walk='center')
    assert np.ptp(held.poses[40:-40, HIP, 0]) > 12


@pytest.mark.parametrize('how', ['global', 'limbs'])
def test_hands_and_feet_of_a_long_walk_stay_in_the_picture(how):
    target = measure_ground(target_film())
    walk = film(moves=(('walk_side', 1),) * 4, size=(960, 480),
                camera=replace(cameras.SOURCE_CAMERA, tall=0.3, centre=0.2))[0]
    narrow = replace(target, size=(320, 480), centre=160, left=150, right=170)
    fitted = retarget(walk, None, narrow, how=how)
    x = fitted.poses[..., 0]
    assert ((x < 0) | (x > 319)).any(1).mean() < 0.05
    assert measure_ground(fitted).height_near == pytest.approx(target.height_near, rel=0.05)


def test_feet_below_the_picture_come_up_but_not_where_the_targets_own_are_cut_off():
    target = measure_ground(target_film())
    low = replace(target, size=(480, round(target.near + 0.06 * target.height_near)))
    fitted = retarget(film(camera=HIGH)[0], None, low, how='limbs')
    assert np.percentile(fitted.poses[..., 1].max(1), 95) < low.size[1]
    cut_off = retarget(film()[0], None, replace(target, size=(480, 300)), how='limbs')
    assert np.median(cut_off.poses[:, ANKLES, 1]) > 0.9 * target.far


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


def test_without_feet_the_hips_lead():
    source, target = film()[0], measure_ground(target_film())
    poses = source.poses.copy()
    poses[:, [k for name in ('Knee', 'Ankle', 'BigToe', 'SmallToe', 'Heel') for k in
              (BODY_25.index(f'R{name}'), BODY_25.index(f'L{name}'))]] = 0
    fitted = retarget(replace(source, poses=poses), None, target, how='limbs')
    assert np.isfinite(fitted.poses).all()
    whole = retarget(source, None, target, how='limbs')
    assert fitted.poses[:, HIP, :2] == pytest.approx(whole.poses[:, HIP, :2],
                                                     abs=0.1 * target.height_near)


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


def still_body(frames=100, by=0.0):
    """A body on feet that slide `by` px a frame to the right."""
    poses = np.stack([standing(100 + by * f, 150) for f in range(frames)])
    return PoseTrack(poses, np.arange(frames) / 25, np.arange(frames), 'BODY_25', (320, 240))


def test_sliding_is_measured():
    still = still_body()
    assert contacts(still)[:, [foot_joints(BODY_25).index(k) for k in ANKLES]].all()
    assert slide(still) == 0
    height = body_sizes(still.poses, BODY_25)[0]
    # 90 of the frames count, the middle one of which is where it stands
    assert slide(still_body(by=0.1), contacts(still)) == pytest.approx(
        100 * 0.1 * 44.5 / height, rel=0.05)
    assert slide(still_body(by=4)) == 0, 'who runs does not stand'
    assert slide(replace(still, poses=np.zeros_like(still.poses))) == 0


def test_a_raised_foot_does_not_stand():
    track = still_body()
    poses = track.poses.copy()
    poses[:, ANKLES[0], 1] -= 30
    assert not contacts(replace(track, poses=poses))[:, 0].any()


def test_support_changes_from_foot_to_foot_without_a_jump():
    """Two feet of a body whose legs are longer than the source's: neither slides, nothing jumps."""
    body_ = np.zeros((80, 2, 2))
    body_[:, 0, 0], body_[:, 1, 0] = np.linspace(10, -10, 80), np.linspace(-10, 10, 80)
    moves = np.zeros((79, 2, 2))
    weights = np.stack([np.clip((45 - np.arange(80)) / 10, 0, 1),
                        np.clip((np.arange(80) - 35) / 10, 0, 1)], 1)
    path = plant(body_, moves, weights, np.zeros((80, 2)), 1e4, False)
    assert np.ptp((path + body_[:, 0])[:34], axis=0).max() < 0.01
    assert np.ptp((path + body_[:, 1])[46:], axis=0).max() < 0.01
    assert np.abs(np.diff(path, 2, axis=0)).max() < 0.06
