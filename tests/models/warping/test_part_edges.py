"""Painting part by part at its edges: what is not seen, one frame, other sizes, grey, threads."""
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import SMALL, fitting
from drawn_dolls import PLACES, SIZE, WALL, Frames, in_front, names_shown, pose

from data.aligned_dataset import AlignedDataset
from data.loader import Loader
from models import body2body_model
from models.engine import choose_engine
from models.warping import part_choice
from models.warping.part_choice import WHOLE, PartIndex, PartsShown, choose_parts, farness
from models.warping.part_layers import Doll
from models.warping.part_ownership import Ownership
from models.warping.part_pieces import Cutout
from models.warping.parts import Bodies, distances, past_ends
from models.warping.settings import Body2BodySettings, PartSettings, from_record
from models.warping.shots import known_cameras
from options.train_options import TrainOptions
from pose.matching.retrieval import RetrievalSettings
from pose.skeleton import BODY_25, COCO_18, convert, mirror
from pose.track import PoseTrack
from scene.plate import Plate

RAISED = {'RElbow': (72, 48), 'RWrist': (56, 22)}
SETTINGS = PartSettings()


def without(one, *joints):
    """The pose with those joints not seen."""
    one = one.copy()
    one[[BODY_25.index(joint) for joint in joints]] = 0
    return one


def nobody():
    return np.zeros_like(pose())


def film(poses, skeleton='BODY_25'):
    count = len(poses)
    return PoseTrack(np.stack(poses), np.arange(count) / 25, np.arange(count), skeleton, SIZE)


def both(poses, joints=BODY_25):
    """The track of frames two seconds apart, and of the same mirrored."""
    count = len(poses)
    twice = np.concatenate([np.stack(poses), mirror(np.stack(poses), joints, SIZE[0])])
    return PoseTrack(twice, np.tile(2.0 * np.arange(count), 2), np.tile(50 * np.arange(count), 2),
                     joints.name, SIZE, shots=np.repeat([0, 1], count))


def chosen(poses, asked, settings=SETTINGS, joints=BODY_25):
    index = PartIndex(both(poses, joints), settings, RetrievalSettings())
    return index.choose(film(asked, joints.name), Bodies(np.stack(asked), joints))


def far_of(poses, asked, settings=SETTINGS):
    """How far poses are from the first of some frames."""
    rows = np.zeros((len(asked), 1), np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter('error', RuntimeWarning)
        return farness(both(poses), rows, film(asked), settings, facing=4.0)


def painted(doll, asked, channels=3, shape=SIZE[::-1]):
    """uint8 (H, W, C): a pose painted from frame 0."""
    canvas = np.full((*shape, channels), WALL[:channels], np.uint8)
    order = ['trunk below', *(name for name in in_front() if name in doll.bodies.parts)]
    doll.paint(canvas, np.zeros(shape, np.uint8), Bodies(asked[None], doll.bodies.skeleton), order,
               dict.fromkeys(order, 0))
    return canvas


def doll_of(one, frames=Frames, channels=3, joints=BODY_25):
    bodies = Bodies(convert(one[None], BODY_25, joints), joints)
    return Doll(frames([one]), bodies)


class GreyFrames(Frames):
    def cutout(self, row):
        return Cutout(self.pictures[row][..., [0, 3]], 0, 0)


# How far a pose is from whole frames

def test_a_limb_that_a_pose_does_not_show_does_not_make_it_far():
    legs_hidden = without(pose(), 'RAnkle', 'LAnkle')
    assert (far_of([pose()], [legs_hidden] * 9) == 0).all()
    assert (far_of([legs_hidden], [pose()] * 9) == 1).all()


def test_a_pose_without_a_torso_is_not_painted_in_parts_among_far_ones():
    """It has no size, so its parts would be as small as points."""
    asked = [pose(**RAISED, LElbow=(168, 48), LWrist=(184, 22))] * 25
    asked[12] = without(pose(), 'Neck')
    far = far_of([pose()], asked)
    assert far[12] == 0 and far[5] == far[20] == 1


def test_a_film_that_shows_nobody_is_painted_from_whole_frames():
    assert (far_of([pose()], [nobody()] * 9) == 0).all()


def test_settings_of_zero_paint_everything_in_parts():
    moved = pose(**RAISED)
    assert (far_of([pose()], [moved] * 9, replace(SETTINGS, strain=0.0, limb=0.0)) == 1).all()


# Which frames are chosen

@pytest.mark.parametrize('settings', [SETTINGS, replace(SETTINGS, frames=0)])
def test_a_video_of_one_frame_shows_every_part(settings):
    rows = chosen([pose()], [pose(**RAISED)] * 3, settings)
    assert set(rows) == {*Bodies(pose()[None], BODY_25).parts, 'trunk below'}
    assert all(row.shape == (3,) and (row < 2).all() for row in rows.values())


def test_frames_without_a_torso_are_never_shown():
    rows = chosen([nobody(), pose(), nobody()], [pose()] * 4)
    assert all(np.isin(row, (1, 4)).all() for row in rows.values())


def test_a_part_that_no_frame_shows_is_chosen_and_left_out():
    """The frame never shows forearms: the person is painted without."""
    cut = without(pose(), 'RWrist', 'LWrist')
    assert chosen([cut, cut], [pose()])['R forearm'].shape == (1,)
    shown = names_shown(painted(doll_of(cut), pose()))
    assert not np.isin(['R forearm', 'L forearm'], shown).any()
    assert (shown == 'R upper arm').any() and (shown == 'trunk').any()


def test_what_is_chosen_does_not_depend_on_how_many_poses_are_compared_at_a_time(monkeypatch):
    poses = [pose(), pose(**RAISED), pose(RKnee=(80, 150), RAnkle=(60, 180))]
    asked = [pose(), pose(**RAISED), pose(**RAISED), pose(RKnee=(80, 150), RAnkle=(60, 180))]
    at_once = chosen(poses, asked)
    monkeypatch.setattr(part_choice, 'CHUNK', 1)
    one_by_one = chosen(poses, asked)
    assert all(np.array_equal(at_once[name], one_by_one[name]) for name in at_once)


def test_a_shoulder_that_is_not_seen_says_nothing_of_the_way_a_body_faces():
    """An unseen joint lies at 0, 0, far to the left: wide shoulders would be nearest to that."""
    wide = pose(RShoulder=(80, 62), LShoulder=(160, 62), LAnkle=(136, 204))
    rows = chosen([wide, pose()], [without(pose(), 'RShoulder')])
    assert rows['L shin'][0] == 1


def test_a_skeleton_without_toes_and_middle_of_the_hips_is_chosen_and_painted():
    poses = convert(np.stack([pose(), pose(**RAISED)]), BODY_25, COCO_18)
    rows = chosen(list(poses), [poses[1]], joints=COCO_18)
    assert rows['R forearm'][0] == 1 and 'R foot' not in rows
    shown = names_shown(painted(doll_of(pose(), joints=COCO_18), poses[0]))
    for name, start, end in (('trunk', 'Neck', 'MidHip'), ('L shin', 'LKnee', 'LAnkle')):
        x, y = np.mean([PLACES[start], PLACES[end]], axis=0)
        assert shown[round(y), round(x)] == name


def test_a_film_that_shows_nobody_has_frames_for_its_parts(run):
    model, dataset = started(run)
    dataset.joints.track.poses[:] = 0
    rows = np.zeros((len(dataset), 1), np.int64)
    shown = choose_parts(model.index, dataset, rows, SETTINGS, facing=4.0)
    assert len(shown) == len(dataset) and all(parts.far == 0 for parts in shown)


# What is painted

def test_a_head_from_behind_keeps_its_hair():
    """No nose is seen: the neck's line to it says nothing of where the head ends."""
    behind = without(pose(), 'Nose', 'REye', 'LEye')
    bodies = Bodies(behind[None], BODY_25)
    points = np.array([[[120.0, 30.0], [134.0, 50.0]]])
    assert (past_ends(points, bodies, 'head') == 0).all()
    assert (distances(points, bodies, 'head') < 1).all()
    owned = Ownership(bodies, SIZE).of('head')
    assert owned[30, 120] > 0.9 and owned[50, 134] > 0.9


def test_a_pose_of_which_nothing_is_seen_leaves_the_picture_as_it_is():
    assert (painted(doll_of(pose()), nobody()) == WALL).all()


def test_grey_frames_are_painted_in_grey():
    grey = painted(doll_of(pose(), GreyFrames, 1), pose(**RAISED), 1)
    colour = painted(doll_of(pose()), pose(**RAISED))
    assert np.abs(grey[..., 0].astype(int) - colour[..., 0]).max() <= 1


def test_a_picture_of_another_size_than_the_frames_shows_the_person_as_large_as_asked():
    asked = pose()
    asked[:, :2] *= 2
    shown = names_shown(painted(doll_of(pose()), asked, shape=(470, 500)))
    assert shown.shape == (470, 500)
    for name, start, end in (('trunk', 'Neck', 'MidHip'), ('L shin', 'LKnee', 'LAnkle'),
                             ('R forearm', 'RElbow', 'RWrist')):
        x, y = np.mean([PLACES[start], PLACES[end]], axis=0)
        assert shown[round(2 * y), round(2 * x)] == name


def test_a_person_outside_the_picture_changes_nothing():
    asked = pose()
    asked[:, 0] += 1000
    assert (painted(doll_of(pose()), asked) == WALL).all()


def test_two_threads_paint_what_one_paints():
    asked = [pose(RWrist=(90 - 3 * k, 120 - 6 * k)) for k in range(12)]
    alone, shared = doll_of(pose()), doll_of(pose())
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda one: painted(shared, one), asked))
    assert all(np.array_equal(painted(alone, one), two) for one, two in zip(asked, together))


# The model

@pytest.fixture
def run(pairs, small_vgg, tmp_path):
    """(root of a dataset, folder of a run)."""
    return pairs(64, 64, train=12), tmp_path / 'run'


def started(run, *flags):
    """A body2body model of that run, and its dataset."""
    root, folder = run
    opt = TrainOptions().parse(['--dataroot', str(root), '--model', 'body2body', *flags,
                                *fitting('body2body', *SMALL)])
    dataset = AlignedDataset(opt, 'train')
    model = body2body_model.Body2BodyModel(opt, choose_engine('cpu'))
    model.on_train_start(dataset, folder)
    return model, dataset


@pytest.mark.parametrize('flags', [(), ('--output_nc', '1'), ('--num_frames', '1')])
def test_a_pose_between_near_and_far_is_a_mixture_of_whole_and_parts(run, flags):
    """Whole, parts and mixture start from one background, without the person."""
    model, dataset = started(run, *flags)
    batch = model.engine.to_batch(Loader(dataset).batch([5]))
    path = batch['A_paths'][0]
    shot = model.shots[path]
    parts = PartsShown({'trunk': 2}, ['trunk'], 0.0)
    pictures = {}
    for far in (0.0, 0.5, 1.0):
        model.shots[path] = shot._replace(parts=parts._replace(far=far))
        pictures[far] = model.paint(batch)
    assert not torch.equal(pictures[0.0], pictures[1.0])
    mixed = (pictures[0.0] + pictures[1.0]) / 2
    assert torch.allclose(pictures[0.5], mixed, atol=0.01)


def test_nothing_comes_from_the_frame_before_where_parts_are_shown(run):
    model, dataset = started(run)
    batches = [model.engine.to_batch(Loader(dataset).batch([i])) for i in (5, 6)]
    before, here = [model.paint_film(batch) for batch in batches]
    before.exact[0].picture[:] = 255, 0, 0
    blended = model.blend_previous(batches[1], here, batches[0], before)
    assert not np.array_equal(blended.pictures, here.pictures)
    path = batches[1]['A_paths'][0]
    model.shots[path] = model.shots[path]._replace(parts=WHOLE._replace(far=1.0))
    assert model.blend_previous(batches[1], here, batches[0], before) is here


@pytest.mark.parametrize('record', [{}, {'parts': None}, {'parts': [1]}, {'parts': {}},
                                    {'parts': {'new_one': 3, 'kin': 'x', 'calm': -1}}])
def test_a_run_of_another_version_paints_with_the_numbers_that_it_does_not_name(record):
    assert from_record(Body2BodySettings(), record).parts == SETTINGS


def test_a_run_keeps_the_numbers_that_it_names():
    read = from_record(Body2BodySettings(), {'parts': {'kin': 1, 'frames': 10.0, 'new_one': 3}})
    assert read.parts == replace(SETTINGS, kin=1.0, frames=10)


def test_cameras_are_found_where_training_sees_smaller_frames_than_the_dataset_has(
        run, monkeypatch):
    model, dataset = started(run, '--preprocess', 'scale_width', '--load_size', '32')
    seen = []
    monkeypatch.setattr(Plate, 'still', False)
    monkeypatch.setattr(Plate, 'locate_film', lambda self, frames, masks, number: seen.extend(
        zip(frames, masks)) or np.tile(np.eye(3), (len(frames), 1, 1)))
    monkeypatch.setattr(type(model.index), 'is_of', lambda self, dataset: False)
    track = dataset.joints.track
    found = known_cameras(model.index, model.plate, dataset, track)
    assert len(found) == len(dataset)
    assert all(frame.shape[:2] == mask.shape == (32, 32) for frame, mask in seen)
