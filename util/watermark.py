"""Draws one line of text, half transparent, into the lower right corner of pictures."""
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from util.errors import UserError

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

LONGEST = 60            # characters of a text
HEIGHT = 0.035          # of a picture's shorter side: 25 px of 720
LEAST = 9               # px: smaller letters cannot be read
MARGIN = 0.02           # of the shorter side, to both edges
WIDEST = 0.9            # of the picture's width
OPACITY = 0.6
# Fonts with the letters of most European languages, by the names that systems have them under.
FONTS = ('DejaVuSans.ttf', 'Arial.ttf', 'arial.ttf', 'LiberationSans-Regular.ttf',
         'NotoSans-Regular.ttf', 'Arial Unicode.ttf')
OF_MATPLOTLIB = 'mpl-data/fonts/ttf/DejaVuSans.ttf'     # which MediaPipe brings along
NO_LETTER = '\uffff'    # what no font has: drawn as it draws all letters that it lacks


class Watermark:
    """mark(picture) is the picture with the text on it; the picture itself stays as it is.

    UserError where the text cannot be drawn.
    """

    def __init__(self, text: str):
        self.text = text
        self.font = font_for(text)
        self.drawn: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}   # for each shape

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """uint8 (H, W, 3), or (H, W, 4) with alpha that is not multiplied into the colours."""
        shape = picture.shape[:2]
        if shape not in self.drawn:
            self.drawn[shape] = self.letters(*shape)
        light, share = self.drawn[shape]
        height, width = light.shape
        margin = round(MARGIN * min(shape))
        bottom, right = max(shape[0] - margin, height), max(shape[1] - margin, width)
        marked = picture.copy()
        place = marked[bottom - height:bottom, right - width:right].astype(np.float32)
        under = (1 - share) * (place[..., 3] / 255 if picture.shape[2] == 4 else 1)
        whole = np.maximum(share + under, 1e-6)
        for channel in range(3):
            place[..., channel] = (light * share + place[..., channel] * under) / whole
        if picture.shape[2] == 4:
            place[..., 3] = 255 * whole
        marked[bottom - height:bottom, right - width:right] = place.round().clip(0, 255)
        return marked

    def letters(self, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """float32 (h, w), for a picture of that size: the text's grey levels, white within a black
        edge, and how much of each pixel it covers, 0 to 1."""
        side = max(LEAST, round(HEIGHT * min(height, width)))
        while True:
            font = sized(self.font, side)
            edge = max(1, side // 12)
            left, top, right, bottom = font.getbbox(self.text, stroke_width=edge)
            if right - left <= WIDEST * width or side <= 4:
                break
            side -= 1
        size = int(right - left) + 1, int(bottom - top) + 1
        image = Image.new('LA', size, (0, 0))
        ImageDraw.Draw(image).text((-left, -top), self.text, fill=(255, 255), font=font,
                                   stroke_width=edge, stroke_fill=(0, 255))
        drawn = np.asarray(image, np.float32)[:height, :width]
        return drawn[..., 0], OPACITY * drawn[..., 1] / 255


def font_for(text: str) -> Font:
    """The first font of this machine that has all letters of the text; UserError where none has."""
    if len(text) > LONGEST:
        raise UserError(f'--watermark: {len(text)} characters are too many for one line. Give at '
                        f'most {LONGEST}.')
    if not text.isprintable() or text.isspace():
        raise UserError('--watermark: there are line breaks or other characters in it that cannot '
                        'be drawn, or only spaces. Give one line of text.')
    fewest = text
    for font in fonts():
        lacking = letters_lacking(font, text)
        if not lacking:
            return font
        fewest = min(fewest, lacking, key=len)
    raise UserError(f'--watermark {text}: no font of this computer has {" ".join(fewest)}. Give a '
                    f'text without it.')


def fonts() -> Iterator[Font]:
    """The fonts there are, the best first; at last the one that Pillow brings, which has English
    letters alone."""
    files = list(FONTS)
    matplotlib = importlib.util.find_spec('matplotlib')
    if matplotlib and matplotlib.origin:
        files.append(str(Path(matplotlib.origin).parent / OF_MATPLOTLIB))
    for file in files:
        try:
            yield ImageFont.truetype(file, 20)
        except OSError:
            continue
    yield ImageFont.load_default(20)


def letters_lacking(font: Font, text: str) -> str:
    """The letters of the text that the font has not."""
    unknown = bytes(font.getmask(NO_LETTER))
    return ''.join(letter for letter in dict.fromkeys(text)
                   if not letter.isspace() and bytes(font.getmask(letter)) == unknown)


def sized(font: Font, side: int) -> Font:
    """The same font with letters of that height, px."""
    return font.font_variant(size=side) if isinstance(font, ImageFont.FreeTypeFont) else font
