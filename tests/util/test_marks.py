"""What a painted film says of itself: in its file, and in its pictures."""
import av
import numpy as np
import pytest
from PIL import ImageFont

from tests.util.clips import ffmpeg
from util import watermark
from util.errors import UserError
from util.marks import Marks, marks_of
from util.version import PROJECT, version
from util.video_writer import MP4, WITH_ALPHA, VideoWriter
from util.watermark import OPACITY, Watermark

CODINGS = {'.mp4': MP4, **WITH_ALPHA}


def film(path, marks):
    with VideoWriter(path, fps=5, tags=marks.tags) as video:
        video.write(np.zeros((48, 64, 3), np.uint8))
    return path


def comment_of(path):
    with av.open(str(path)) as container:
        tags = {name.lower(): text for name, text in container.metadata.items()}
        return tags.get('comment')          # webm has it in capitals


def test_the_version_is_that_of_the_project():
    assert f'version = "{version()}"' in PROJECT.read_text() and version()[0].isdigit()


def test_a_film_says_who_painted_it_and_that_it_is_no_recording(tmp_path):
    path = film(tmp_path / 'a.mp4', marks_of('Jürgen', False, ''))
    assert comment_of(path) == (f'painted by body2body {version()}, run Jürgen; this is no '
                                f'recording of the person shown')


def test_without_metadata_it_says_nothing(tmp_path):
    path = film(tmp_path / 'a.mp4', marks_of('me', True, 'hello'))
    assert comment_of(path) is None


@pytest.mark.parametrize('suffix', CODINGS)
def test_every_kind_of_film_keeps_the_tags(tmp_path, suffix):
    path, coding = tmp_path / f'a{suffix}', CODINGS[suffix]
    with VideoWriter(path, fps=5, tags=marks_of('me', False, '').tags, coding=coding) as video:
        video.write(np.zeros((48, 64, 4 if coding.alpha else 3), np.uint8))
    assert (comment_of(path) or '').startswith('painted by body2body')


def test_a_name_that_is_no_text_is_spelt_out(tmp_path):
    path = film(tmp_path / 'a.mp4', marks_of('a\udcff\nb', False, ''))
    assert r'run a\xff\nb;' in comment_of(path)


def test_a_watermark_is_light_and_dark_in_the_lower_right_corner_alone():
    picture = np.full((240, 320, 3), 128, np.uint8)
    marked = Watermark('painted, not filmed')(picture)
    assert (picture == 128).all(), 'the picture itself stays'
    changed = np.argwhere((marked != picture).any(2))
    assert changed[:, 0].min() > 240 * 0.9 and changed[:, 1].min() > 320 / 3
    assert marked.max() == round(128 + OPACITY * 127) and marked.min() == round(128 * (1 - OPACITY))
    assert 240 - changed[:, 0].max() > 3 and 320 - changed[:, 1].max() > 3


def test_it_is_seen_on_black_and_on_white():
    mark = Watermark('me')
    for grey in (0, 255):
        picture = np.full((240, 320, 3), grey, np.uint8)
        assert np.abs(mark(picture).astype(int) - grey).max() > 140


@pytest.mark.parametrize('size', [(1280, 720), (720, 1280), (64, 48), (16, 16), (33, 7)])
def test_a_long_text_stays_within_any_picture(size):
    picture = np.full((*size[::-1], 3), 128, np.uint8)
    marked = Watermark('x' * watermark.LONGEST)(picture)
    assert marked.shape == picture.shape and (marked != picture).any()
    if min(size) > 100:
        left = np.argwhere((marked != picture).any(2))[:, 1].min()
        assert left > 0.05 * size[0], 'its first letter is there'


def test_it_is_seen_where_a_picture_is_transparent():
    picture = np.zeros((240, 320, 4), np.uint8)
    picture[..., :3] = 255, 0, 0
    marked = Watermark('me')(picture)
    letters = marked[..., 3] > 0
    assert letters.any() and not letters[:200].any()
    assert marked[..., 3].max() == round(255 * OPACITY)
    assert (marked[letters][:, 0] == marked[letters][:, 1]).all(), 'no red of the hidden pixels'


def test_letters_with_accents_are_drawn():
    with_accent, without = (Watermark(text).letters(240, 320)[1] for text in ('é', 'e'))
    assert with_accent.shape[0] > without.shape[0]


@pytest.mark.parametrize('text, says', [
    ('two\nlines', 'line breaks'), ('  ', 'only spaces'), ('x' * 61, 'at most 60')])
def test_what_is_no_line_is_refused(text, says):
    with pytest.raises(UserError, match=f'--watermark.*{says}'):
        Watermark(text)


def test_the_last_font_has_english_letters_alone(monkeypatch):
    monkeypatch.setattr(watermark, 'fonts', lambda: iter([ImageFont.load_default(20)]))
    assert Watermark('painted, not filmed!').text
    with pytest.raises(UserError, match='no font of this computer has é'):
        Watermark('café')


def test_no_marks_change_nothing(tmp_path):
    picture = np.zeros((48, 64, 3), np.uint8)
    assert Marks().drawn(picture) is picture and Marks().tags == {}


def test_ffmpeg_shows_it(tmp_path):
    path = film(tmp_path / 'a.mp4', marks_of('me', False, ''))
    told = ffmpeg('-i', path, '-f', 'ffmetadata', '-').decode()
    assert f'comment=painted by body2body {version()}' in told


def test_code_that_was_copied_without_its_project_file_still_makes_films(tmp_path, monkeypatch):
    from util import version
    monkeypatch.setattr(version, 'PROJECT', tmp_path / 'pyproject.toml')
    version.version.cache_clear()
    assert version.version() == 'of unknown version'
    version.version.cache_clear()
