"""The report of a dataset: made again at any time from what lies in its folder."""
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import UnionType
from typing import Union, get_args, get_origin, get_type_hints, is_typeddict
from urllib.parse import unquote

import cv2
import numpy as np
import pytest

import preprocess
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from preprocessing.report.dataset import Prepared, dataset_of
from preprocessing.report.moments import Preview, choose_moments
from preprocessing.report.numbers import changes, dropped_stretches, heat, joint_table
from preprocessing.report.schema import Report
from preprocessing.report.write import doctor, write_report
from util.errors import UserError
from util.video import Frame
from util.web.charts import curves_svg
from util.words import spoken


@pytest.fixture(scope='module')
def dancer(prepared, demo_videos, tmp_path_factory):
    """datasets/dancer: the drawn source, fitted to the target; not to be changed."""
    root = tmp_path_factory.mktemp('doctor') / 'dancer'
    preprocess.main(['--video', str(demo_videos[1]), '--dataroot', str(root), '--poses_only',
                     '--retarget_to', str(prepared)])
    return root


@pytest.fixture
def me(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / 'me')


def numbers(folder):
    return json.loads((folder / 'report.json').read_text())


def test_a_lost_report_is_made_again_the_same(me):
    before, page = numbers(me), (me / 'report.html').read_text()
    for lost in (me / 'report.html', me / 'report.json', me / 'report' / '00.jpg'):
        lost.unlink()
    (me / 'report' / '99.jpg').write_bytes(b'of another time')
    assert doctor(me) == me / 'report.html'
    assert numbers(me) == before and (me / 'report.html').read_text() == page
    assert (me / 'report' / '00.jpg').is_file() and not (me / 'report' / '99.jpg').exists()


def test_a_report_that_fails_leaves_the_pictures_of_the_one_before(me, monkeypatch):
    before = sorted(path.name for path in (me / 'report').iterdir())

    def full(path, image):
        raise UserError('the disk is full')
    monkeypatch.setattr('preprocessing.report.pictures.write_image', full)
    with pytest.raises(UserError, match='disk is full'):
        doctor(me)
    assert sorted(path.name for path in (me / 'report').iterdir()) == before


def test_a_dataset_that_is_not_there_is_named_with_those_that_are(me):
    with pytest.raises(UserError, match=f'no such folder. There is {me}. To make one'):
        doctor(me, me.with_name('dancer'))


def check_typed(value, kind, where='report'):
    """The keys of every object in `value` are those that its TypedDict declares."""
    if get_origin(kind) in (Union, UnionType):
        inner = [one for one in get_args(kind) if one is not type(None)]
        if value is not None and len(inner) == 1:
            check_typed(value, inner[0], where)
    elif get_origin(kind) is list:
        for one in value:
            check_typed(one, get_args(kind)[0], where)
    elif get_origin(kind) is dict:
        for one in value.values():
            check_typed(one, get_args(kind)[1], where)
    elif is_typeddict(kind):
        assert kind.__required_keys__ <= set(value) <= set(get_type_hints(kind)), where
        for name, inner in get_type_hints(kind).items():
            if name in value:
                check_typed(value[name], inner, f'{where}.{name}')


@pytest.mark.parametrize('made', ['prepared', 'dancer'])
def test_report_json_holds_what_its_types_declare(made, request):
    check_typed(numbers(request.getfixturevalue(made)), Report)


def test_the_frames_of_the_first_sentence_add_up(prepared):
    """Between what is trained on and what is held out a second belongs to neither."""
    page = (prepared / 'report.html').read_text()
    found = re.search(r'of (\d+) frames; (\d+) are kept \((\d+) in train, (\d+) in val, (\d+) left '
                      r'out between them\), (\d+) dropped', page)
    read, kept, train, val, between, dropped = map(int, found.groups())
    assert train + val + between == kept and kept + dropped == read and between > 0


def test_the_numbers_say_what_is_on_the_page(prepared):
    report = numbers(prepared)
    assert report['frames']['read'] == report['frames']['kept'] + report['frames']['dropped'] == 120
    assert report['jitter']['after'] < report['jitter']['before']
    assert abs(report['lag']) < 0.1
    facing = report['movements'][0]
    assert facing['name'] == 'facing the camera' and facing['sides']['']['filmed'] > 1.5
    assert report['coverage'] is None
    assert len({len(curve) for curve in report['over_time'].values() if curve}) == 1
    assert {one['kind'] for one in report['moments']} >= {'typical', 'worst'}


@pytest.mark.parametrize('made', ['prepared', 'dancer'])
def test_the_page_needs_nothing_but_its_folder(made, request):
    folder = request.getfixturevalue(made)
    text = (folder / 'report.html').read_text()
    assert not re.search(r'https?:|//\w|url\(|@import', text.replace('="data:,"', ''))
    links = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert len(links) > 20 and not re.search(r'\bnan\b', text)
    assert all(link == 'data:,' or (folder / unquote(link)).is_file() for link in links)


def test_a_dancer_is_judged_against_the_person_the_poses_were_fitted_to(dancer, prepared):
    cover = numbers(dancer)['coverage']
    assert cover['fitted_to'] == str(prepared) and cover['frames'] > 50
    assert cover['sentence'] in (dancer / 'report.html').read_text().replace('\u2011', '-')
    furthest = [one['distance'] for one in cover['furthest']]
    assert len(furthest) == 10 and furthest == sorted(furthest, reverse=True)
    trained = {path.name for path in (prepared / 'train').iterdir()}
    for one in cover['furthest']:
        pose, frame = np.split(cv2.imread(str(dancer / one['picture'])), 2, axis=1)
        assert f'{one["training_frame"]:06d}.png' in trained
        assert np.median(pose) == 0 and np.median(frame) > 0


def test_poses_of_the_training_video_itself_are_all_known(me, tmp_path):
    """Judged against itself, only what is held out can be new."""
    copy = shutil.copytree(me, tmp_path / 'copy')
    doctor(me, copy)
    cover, note = numbers(copy)['coverage'], numbers(copy)['notes'][0]
    assert 'fitted to nobody' in note and cover['middle'] == 0
    assert all(start > 2 for spans in cover['unlike'].values() for start, _ in spans)


def test_poses_that_were_fitted_to_another_are_judged_and_it_is_said(dancer, me, tmp_path):
    copy = shutil.copytree(dancer, tmp_path / 'dancer')
    doctor(me, copy)
    report = numbers(copy)
    assert f'not to {me}' in report['notes'][0] and report['coverage']['target'] == str(me)


def test_a_target_that_is_gone_is_a_line_not_an_error(dancer, tmp_path):
    copy = shutil.copytree(dancer, tmp_path / 'dancer')
    facts = json.loads((copy / 'dataset.json').read_text())
    facts['retargeted_to'] = facts['settings']['retarget_to'] = 'datasets/gone'
    (copy / 'dataset.json').write_text(json.dumps(facts))
    doctor(copy)
    assert numbers(copy)['coverage'] is None
    assert 'datasets/gone, which no longer exists' in (copy / 'report.html').read_text()


@pytest.mark.parametrize('made', ['prepared', 'dancer'])
def test_a_dataset_from_before_there_was_more_to_tell_still_has_its_report(
        made, tmp_path, request):
    old = shutil.copytree(request.getfixturevalue(made), tmp_path / 'old')
    (old / 'found.npz').unlink()
    shutil.rmtree(old / 'report')
    facts = json.loads((old / 'dataset.json').read_text())
    (old / 'dataset.json').write_text(json.dumps(
        {k: v for k, v in facts.items() if k not in ('people', 'repair', 'parts')}))
    doctor(old)
    report = numbers(old)
    assert 'does not keep the track as it was before repair' in report['notes'][0]
    assert report['jitter']['before'] is None and report['people'] == []
    assert len(report['moments']) >= 8 and (old / report['moments'][0]['picture']).is_file()


def test_what_cannot_be_looked_at_is_refused_with_the_fix(me, dancer, tmp_path):
    with pytest.raises(UserError, match='no such folder'):
        doctor(tmp_path / 'nowhere')
    with pytest.raises(UserError, match='no dataset of preprocess.py'):
        doctor(tmp_path)
    with pytest.raises(UserError, match='holds no pairs'):
        doctor(dancer, me)
    with pytest.raises(UserError, match='dataset of the target person'):
        doctor(tmp_path, me)


def test_a_folder_without_a_record_is_no_dataset_wherever_one_stands(me, tmp_path, monkeypatch):
    monkeypatch.chdir(me)
    assert dataset_of(tmp_path) is None and dataset_of(me) == me
    with pytest.raises(UserError, match='no dataset, and no run that knows one'):
        write_report(me, tmp_path)


def test_what_was_dropped_is_told_stretch_by_stretch():
    track = standing().drop(np.isin(np.arange(100), [3, 4, 5, 40]), 'nobody found')
    track = track.drop(np.arange(100) == 41, 'a short shot')
    assert [(one['first'], one['last'], one['why']) for one in dropped_stretches(track)] == [
        (11, 13, 'nobody found'), (48, 48, 'nobody found'), (49, 49, 'a short shot')]


# Which moments are shown

def standing(frames=100):
    """Somebody who stands still for 4 s, as found."""
    pose = np.zeros((25, 3), np.float32)
    for joint, x, y in (('Nose', 50, 10), ('Neck', 50, 20), ('MidHip', 50, 50), ('RHip', 45, 50),
                        ('LHip', 55, 50), ('RKnee', 45, 75), ('LKnee', 55, 75), ('RAnkle', 45, 98),
                        ('LAnkle', 55, 98), ('RWrist', 30, 50), ('LWrist', 70, 50)):
        pose[BODY_25.index(joint)] = (x, y, 0.9)
    return PoseTrack(np.repeat(pose[None], frames, 0), np.arange(frames) / 25,
                     np.arange(frames) + 7, 'BODY_25', (100, 120))


def test_the_worst_moments_are_shown_and_it_is_said_why():
    clean = standing()
    moving = clean.poses.copy()
    moving[80:, :, 0] += 10 * (moving[80:, :, 2] > 0)
    raw = moving.copy()
    raw[20, :, 2] *= 0.5
    raw[50, BODY_25.index('RWrist'), 0] += 30
    drawn = clean.drop(np.arange(100) == 99, 'nobody found for 1 frames')
    moments = choose_moments(replace(clean, poses=raw), replace(clean, poses=moving), drawn)
    why = {one.why.split(':')[0]: one for one in reversed(moments) if one.kind == 'worst'}
    assert why['lowest confidence'].frame == 28 and '0.45' in why['lowest confidence'].why
    assert why['most repaired'].frame == 58
    assert 'right wrist moved by 3' in why['most repaired'].why
    assert why['fastest'].frame == 88
    assert [one.frame for one in moments if one.kind == 'typical'][0] == 8
    assert [(one.frame, one.why) for one in moments if one.kind == 'dropped'] == [
        (107, 'nobody found for 1 frames')]


def test_pictures_of_the_moments_and_of_the_people_are_kept_as_the_frames_pass(tmp_path):
    track = standing()
    people = [{'number': 1, 'shown': {'frame': 3, 'box': [30, 10, 70, 98]}}]
    preview = Preview(tmp_path, track, track, track, people)
    image = np.full((120, 100, 3), 90, np.uint8)
    passed = list(preview.watch(Frame(k, k / 25, image) for k in range(200)))
    assert len(passed) == 200
    kept = {path.name for path in (tmp_path / 'report' / 'frames').iterdir()}
    moments = json.loads((tmp_path / 'report' / 'frames.json').read_text())
    assert kept == {f'{one["frame"]:06d}.jpg' for one in moments}
    assert cv2.imread(str(tmp_path / 'report' / 'frames' / sorted(kept)[0])).shape == (240, 200, 3)
    assert cv2.imread(str(tmp_path / 'report' / 'person_1.jpg')).shape[0] == 240


def test_no_more_is_read_of_a_video_than_is_shown(tmp_path):
    track, read = standing(), []

    class Source:
        def frames(self):
            for k in range(10_000):
                read.append(k)
                yield Frame(k, k / 25, np.zeros((12, 10, 3), np.uint8))
    Preview(tmp_path, track, track, track).read(Source())
    assert len(read) < 200


# What repair did

def test_what_was_filled_in_and_exchanged_is_seen_where_it_was(me):
    dataset = Prepared(me)
    written = dataset.track
    pair = [BODY_25.index('RWrist'), BODY_25.index('LWrist')]
    found = dataset.found.poses.copy()
    found[40:44, pair] = found[40:44, pair[::-1]]
    found[60:70, BODY_25.index('RKnee')] = 0
    dataset.found = replace(dataset.found, poses=found)
    filled, swapped = changes(dataset)
    assert np.flatnonzero(filled[:, BODY_25.index('RKnee')]).tolist() == list(range(60, 70))
    assert swapped[40:44, pair].all() and not swapped[44:].any()
    assert joint_table(dataset)['RKnee']['filled'] == 10
    assert joint_table(dataset)['LWrist']['swapped'] >= 4
    times, rows = heat(dataset)
    assert len(times) == len(written) + 1 and (rows['right knee'][60:70] == 5).all()
    assert (rows['left wrist'][40:44] == 6).all() and (rows['frames kept'] == 7).all()


def test_joints_are_named_as_people_say():
    assert [spoken(name) for name in ('RWrist', 'LBigToe', 'MidHip', 'Nose', 'REar')] == [
        'right wrist', 'left big toe', 'mid hip', 'nose', 'right ear']


def test_the_names_of_two_curves_stand_above_them():
    svg = curves_svg({'found': [(0, 99), (1, 100)], 'repaired': [(0, 100), (1, 100)]})
    name = float(re.search(r'<text x="[\d.]+" y="([\d.]+)"><tspan', svg)[1])
    points = ' '.join(re.findall(r'points="([^"]*)"', svg)).split()
    assert name < min(float(point.split(',')[1]) for point in points) - 5


def test_the_doctor_is_asked_on_the_command_line(me, dancer, tmp_path, capsys):
    copy = shutil.copytree(dancer, tmp_path / 'dancer')
    assert preprocess.main(['--doctor', str(me)]) == me / 'report.html'
    said = capsys.readouterr().out
    assert 'movements are filmed' in said and '  back: turn round' in said
    assert preprocess.main(['--doctor', str(me), str(copy)]) == copy / 'report.html'
    said = capsys.readouterr().out
    assert str(Path(copy) / 'report.html') in said and 'not in this dance' in said
