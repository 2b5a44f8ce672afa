"""Draws the pictures of docs/filming.md: what is good to film and what is bad, and the movements.

    python scripts/dev/filming_pictures.py --out pictures

The person is the drawn dancer of `make demo`.
"""
import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from options.parser import Parser
from pose.matching.movements import MOVEMENTS
from scripts.demo.body import SOURCE, TARGET, Figure
from scripts.demo.camera import TARGET_CAMERA, Camera
from scripts.demo.dance import Dance, Pose
from scripts.demo.scene import draw_scene, placed, poster
from util.errors import run_main, say
from util.images import write_image
from util.noted import check_ours, noted_file

QUALITY = 84                    # of the JPEG files
SIZE = 600                      # px of a drawn scene, of which the middle is shown
TILE = 210, 294                 # px: width and height of a picture in a sheet
GAP, LABEL = 12, 30             # px between pictures, and of a line of text
GROUND, INK = (255, 255, 255), (29, 32, 36)
GOOD, BAD = (22, 134, 106), (200, 60, 40)
CAMERA = replace(TARGET_CAMERA, tall=0.74, floor=0.93)
WIDER = replace(CAMERA, tall=0.66)      # the arms of every movement are in the picture
UP = {'l_up': 148, 'l_out': 10, 'l_fore_up': 166, 'l_fore_out': 10,
      'r_up': 148, 'r_out': 10, 'r_fore_up': 166, 'r_fore_out': 10}
OPEN = {'l_up': 62, 'l_out': 15, 'l_fore_up': 104, 'l_fore_out': 40,
        'r_up': 40, 'r_out': 10, 'r_fore_up': 60, 'r_fore_out': 30}
PROFILE = {'turn': 88.0, 'hip_turn': 88.0, 'look': 44.0, 'l_x': 0.02, 'r_x': -0.02, 'l_z': -0.1,
           'r_z': 0.1, 'l_out': -80, 'r_out': -80, 'l_up': 6, 'r_up': 6}

# {movement: what differs from standing}, as Dance lists the parameters
POSES: Mapping[str, Mapping[str, float]] = {
    'facing the camera': {},
    'sideways': PROFILE,
    'back': {'turn': 180, 'hip_turn': 180, 'look': 90, 'l_x': -0.13, 'r_x': 0.13},
    'head turned': {'look': 52},
    'arms up': UP,
    'arms out': {'l_up': 92, 'l_out': 5, 'l_fore_up': 92, 'l_fore_out': 5,
                 'r_up': 92, 'r_out': 5, 'r_fore_up': 92, 'r_fore_out': 5},
    'hands before the chest': {'l_up': 40, 'l_out': 48, 'l_fore_up': 104, 'l_fore_out': 132,
                               'r_up': 40, 'r_out': 48, 'r_fore_up': 104, 'r_fore_out': 132},
    'arms crossed': {'l_up': 36, 'l_out': 100, 'l_fore_up': 100, 'l_fore_out': 168,
                     'r_up': 40, 'r_out': 92, 'r_fore_up': 112, 'r_fore_out': 160},
    'crouching': {'drop': 0.44, 'bow': 22, 'nod': -8, 'l_x': 0.2, 'r_x': -0.2, 'l_up': 70,
                  'l_out': 66, 'l_fore_up': 90, 'l_fore_out': 80, 'r_up': 70, 'r_out': 66,
                  'r_fore_up': 90, 'r_fore_out': 80},
    'wide step': {'l_x': 0.42, 'r_x': -0.34, 'x': 0.03, 'l_up': 48, 'l_fore_up': 56, 'r_up': 48,
                  'r_fore_up': 56},
    'foot up': {'l_y': 0.42, 'l_z': 0.12, 'l_x': 0.14, 'x': -0.09, 'l_pitch': 24, 'l_up': 52,
                'l_fore_up': 66, 'r_up': 52, 'r_fore_up': 66},
    'leaning': {'lean': 22, 'tilt': 6, 'x': -0.06, 'r_up': 150, 'r_out': 12, 'r_fore_up': 204,
                'r_fore_out': 10}}


@dataclass(frozen=True)
class Shown:
    """A picture of a sheet: what stands below it, and in which colour: GOOD and BAD are marked."""
    picture: np.ndarray
    text: str
    colour: tuple[int, int, int] = INK


def standing(**changes: float) -> Pose:
    return Dance.STAND | changes


def scene(pose: Pose, camera: Camera = CAMERA, figure: Figure = TARGET, others: Sequence = (),
          wall: Sequence = ()) -> np.ndarray:
    """The middle of a scene, uint8 RGB in the shape of TILE."""
    picture, _ = draw_scene([(figure, pose), *others], camera, SIZE, wall)
    wide = round(SIZE * TILE[0] / TILE[1])
    left = (SIZE - wide) // 2
    return picture[:, left:left + wide]


def shaken(picture: np.ndarray) -> np.ndarray:
    """As a hand films it: askew, and blurred by its shaking."""
    height, width = picture.shape[:2]
    views = []
    for step in range(14):
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), 7 + 0.12 * step, 1.16)
        moved = turn + np.array(((0, 0, 1.6), (0, 0, 0.5))) * step
        views.append(cv2.warpAffine(picture, moved, (width, height),
                                    borderMode=cv2.BORDER_REPLICATE))
    return np.mean(views, axis=0).astype(np.uint8)


def darkened(picture: np.ndarray) -> np.ndarray:
    """A dark room: little light from one side, and the grain of a phone's camera."""
    across = np.linspace(0.62, 0.14, picture.shape[1])[None, :, None]
    noise = np.random.default_rng(0).normal(0, 11, picture.shape)
    return np.clip(picture * across + noise, 0, 255).astype(np.uint8)


def good_and_bad() -> np.ndarray:
    """Pictures in pairs, the good one above the bad one."""
    up, dancing = standing(**UP), standing(**OPEN)
    plain = replace(TARGET, shirt=(198, 200, 205), stripe=(206, 208, 212), trousers=(186, 184, 182))
    near = replace(CAMERA, tall=1.06, floor=1.12)
    far = replace(CAMERA, tall=0.3, floor=0.84)
    friend = (SOURCE, placed(standing(r_up=60, r_fore_up=100, turn=-20), 0.62, -0.5))
    picture = poster(SOURCE, TARGET_CAMERA, standing(**UP), 150)
    pairs = (
        (scene(up), 'whole body, room above', scene(up, near), 'hands and feet cut off'),
        (scene(standing()), 'fills the picture', scene(standing(), far), 'too far away'),
        (scene(dancing), 'phone stands still', shaken(scene(dancing)), 'held in the hand'),
        (scene(dancing), 'colours of their own', scene(dancing, figure=plain),
         'colours of the wall'),
        (scene(standing(**UP | {'l_up': 16, 'l_fore_up': 20})), 'alone',
         scene(placed(standing(), -0.22), others=[friend], wall=[(picture, (120, 90))]),
         'somebody else, a poster'),
        (scene(standing(lean=4, r_up=52, r_fore_up=66)), 'even light',
         darkened(scene(standing(lean=4, r_up=52, r_fore_up=66))), 'dark'))
    above = [Shown(good, text, GOOD) for good, text, _, _ in pairs]
    below = [Shown(bad, text, BAD) for _, _, bad, text in pairs]
    return sheet([above, below])


def moves() -> np.ndarray:
    """A figure of each movement, in the order of the script."""
    shown = [Shown(scene(standing(**POSES[movement.name]), WIDER), f'{number} {movement.name}')
             for number, movement in enumerate(MOVEMENTS, 1)]
    half = len(shown) // 2
    return sheet([shown[:half], shown[half:]])


def sheet(rows: Sequence[Sequence[Shown]]) -> np.ndarray:
    """Rows of pictures with a line of text below each, uint8 RGB."""
    width, height = TILE
    font = ImageFont.load_default(17)
    page = Image.new('RGB', (len(rows[0]) * (width + GAP) + GAP,
                             len(rows) * (height + LABEL + GAP) + GAP), GROUND)
    draw = ImageDraw.Draw(page)
    for row, pictures in enumerate(rows):
        for column, one in enumerate(pictures):
            x, y = GAP + column * (width + GAP), GAP + row * (height + LABEL + GAP)
            small = cv2.resize(one.picture, TILE, interpolation=cv2.INTER_AREA)
            page.paste(Image.fromarray(marked(small, one.colour)), (x, y))
            draw.text((x + 2, y + height + 5), one.text, one.colour, font)
    return np.asarray(page)


FILES = {'filming.jpg': good_and_bad, 'filming_moves.jpg': moves}


def marked(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """A good picture with a tick in its corner, a bad one with a cross."""
    strokes = {GOOD: [[(-7, 0), (-2, 6), (8, -6)]],
               BAD: [[(-6, -6), (6, 6)], [(6, -6), (-6, 6)]]}.get(colour)
    if strokes is None:
        return picture
    picture = picture.copy()
    middle = np.array((24, 24))
    cv2.circle(picture, middle.tolist(), 15, colour, -1, cv2.LINE_AA)
    for stroke in strokes:
        cv2.polylines(picture, [middle + np.array(stroke)], False, GROUND, 3, cv2.LINE_AA)
    return picture


def main() -> None:
    parser = Parser(__doc__.split('\n\n')[0], formatter=argparse.HelpFormatter)
    parser.add_argument('--out', required=True, help='folder for the pictures')
    opt = parser.read()
    folder = Path(opt.out)
    check_ours(folder, list(FILES))
    for name, drawn in FILES.items():
        with noted_file(folder, name) as part:
            write_image(part, drawn(), QUALITY)
        say(str(folder / name))


if __name__ == '__main__':
    run_main(main)
