"""Who never moves hides a part of the background for ever: said in one warning."""
import pytest

from scene.background import make_plate
from scene.made_up import made_up, warn_of_made_up
from tests.scene.test_background import HEIGHT, STANDING, WIDTH, film, pan


def test_the_share_that_nobody_ever_saw_is_told(capsys):
    frames, masks = film(STANDING, wide=40)
    plate = make_plate(frames, masks)
    assert made_up(plate) == pytest.approx(masks[0].mean(), rel=0.1)
    warn_of_made_up(plate)
    assert f'warning: {100 * masks[0].mean():.0f} % of the background' in capsys.readouterr().err


def test_bars_of_a_letterbox_are_not_made_up_nor_part_of_the_picture():
    frames, masks = film(STANDING, wide=40)
    for frame in frames:
        frame[:20] = frame[-10:] = 0
    share = masks[0][20:-10].sum() / (WIDTH * (HEIGHT - 30))
    assert made_up(make_plate(frames, masks)) == pytest.approx(share, rel=0.15)


@pytest.mark.parametrize('path, stands', [(STANDING, lambda f: 20 + 4 * f), (pan(), lambda f: 60)],
                         ids=['who walks', 'a camera that moves'])
def test_what_was_seen_once_is_no_warning(path, stands, capsys):
    frames, masks = film(path, stands)
    plate = make_plate(frames, masks)
    assert made_up(plate) < 0.02
    warn_of_made_up(plate)
    assert 'warning' not in capsys.readouterr().err
