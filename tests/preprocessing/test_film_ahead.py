"""Large frames of the whole picture are written while people are found: one pass over the video."""
import cv2
import numpy as np
import pytest

import preprocessing.detection
from preprocessing.crop import cut_out
from preprocessing.sources import VideoSource
from tests.preprocessing.preparing import files, prepare
from tests.preprocessing.test_film_frames import SIZE, WHOLE, One, drawn
from tests.preprocessing.test_film_frames import video as video  # a fixture
from util.files import read_json
from util.images import read_image, size_of


class Gone(One):
    """Nobody is there from the 13th frame on."""
    def __call__(self, image, index):
        found = super().__call__(image, index)
        return found[:0] if index > 11 else found


@pytest.fixture
def passes(monkeypatch):
    """The stretches of a video that are decoded, filled while preparing."""
    stretches = []
    frames = VideoSource.frames

    def counted(self, stretch=slice(None)):
        stretches.append(stretch)
        return frames(self, stretch)
    monkeypatch.setattr(VideoSource, 'frames', counted)
    return stretches


def pairs_of(root):
    """{name: uint8 (h, w, 3)}: the frame of each pair of a dataset."""
    found = {}
    for phase in ('train', 'val'):
        for name in files(root / phase):
            pair = read_image(root / phase / name)
            found[name] = pair[:, pair.shape[1] // 2:]
    return found


@pytest.mark.parametrize('flags, count', [
    (WHOLE, 1),
    (('--crop', 'none'), 1), (('--aspect', 'keep'), 2), ((*WHOLE, '--film_size', 0), 2)])
def test_a_video_whose_whole_picture_is_kept_is_decoded_once(video, tmp_path, passes, flags, count):
    root = tmp_path / 'me'
    prepare(root, '--video', video, *flags)
    assert len(passes) == count
    for name, frame in pairs_of(root).items():
        truth = drawn(int(name[:6]) - 1)
        if count == 1:
            truth = cut_out(truth, (0, 0, *SIZE), size_of(frame))
            assert cv2.PSNR(frame, truth) > 30


def test_frames_that_are_dropped_leave_no_large_frame(video, tmp_path, passes, monkeypatch):
    monkeypatch.setattr(preprocessing.detection, 'detector_for', Gone)
    root = tmp_path / 'me'
    prepare(root, '--video', video, *WHOLE)
    facts = read_json(root / 'dataset.json')
    assert facts['frames']['dropped'] > 0 and len(passes) == 1
    assert files(root / 'frames') == [name.replace('png', 'jpg') for name in sorted(pairs_of(root))]


def test_a_frame_that_cannot_be_read_is_said_and_the_video_decoded_again(video, tmp_path, passes,
                                                                         monkeypatch):
    frames = VideoSource.frames

    def lossy(self, stretch=slice(None)):
        for frame in frames(self, stretch):
            if frame.index != 3:
                yield frame._replace(is_fitted=frame.index == 5)
    monkeypatch.setattr(VideoSource, 'frames', lossy)
    root = tmp_path / 'me'
    prepare(root, '--video', video, *WHOLE)
    assert len(passes) == 2 and '000006.jpg' in files(root / 'frames')
    assert '000004.jpg' not in files(root / 'frames')


def test_moments_and_portraits_show_what_they_did(video, tmp_path, monkeypatch):
    """The report's pictures do not depend on which pass the frames come from."""
    prepare(tmp_path / 'once', '--video', video, *WHOLE)
    monkeypatch.setattr('preprocessing.prepare.film_ahead', lambda *given: None)
    prepare(tmp_path / 'twice', '--video', video, *WHOLE)
    for name in ('person_1.jpg', *(f'frames/{name}' for name in
                                   files(tmp_path / 'once' / 'report' / 'frames'))):
        one, two = (read_image(tmp_path / root / 'report' / name) for root in ('once', 'twice'))
        assert one.shape == two.shape and cv2.PSNR(one, two) > 27, name


def test_half_a_picture_is_decoded_where_that_is_enough(tmp_path):
    image = cv2.resize(drawn(0), (240, 320))
    cv2.imwrite(str(tmp_path / 'a.jpg'), image[..., ::-1])
    assert size_of(read_image(tmp_path / 'a.jpg', (120, 160))) == (120, 160)
    assert size_of(read_image(tmp_path / 'a.jpg', (121, 160))) == (240, 320)
    small = cv2.resize(image, (60, 80), interpolation=cv2.INTER_AREA)
    assert cv2.PSNR(read_image(tmp_path / 'a.jpg', (60, 80)), small) > 30
    cv2.imwrite(str(tmp_path / 'a.png'), image[..., ::-1])
    assert np.array_equal(read_image(tmp_path / 'a.png', (60, 80)), image)
