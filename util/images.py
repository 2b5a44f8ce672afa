"""Images on disk and in memory: uint8 RGB (H, W, 3); a size is (width, height).

Every picture that the program reads passes through `_read`, so that it is bounded before it is
decoded and is the same pixels everywhere: upright as its EXIF says, 16 bits scaled to 8, what is
transparent composed onto black, the first of several pictures.
"""
import io
import math
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from PIL import ExifTags, Image

from util.errors import NO_ROOM, UserError
from util.files import atomic, natural

T = TypeVar('T')
PICTURES = {'.png', '.jpg', '.jpeg', '.jfif', '.bmp', '.webp', '.avif', '.tif', '.tiff', '.ppm'}
# what a camera or an editor also writes, and this program cannot read
FOREIGN = {'.heic', '.heif', '.gif', '.jxl', '.jp2', '.psd', '.tga', '.exr', '.hdr', '.dng',
           '.cr2', '.cr3', '.nef', '.arw', '.raf', '.rw2', '.orf', '.svg'}
# what is decoded, whatever a file's name; EPS is not among them, which would start Ghostscript
FORMATS = ('PNG', 'JPEG', 'BMP', 'WEBP', 'TIFF', 'PPM', 'GIF', 'AVIF')
MOST_PIXELS = 2 ** 26       # 8192x8192, above any frame; four threads decode it in 1.6 GB
MOST_BYTES = 8 * MOST_PIXELS        # of a file: four channels of 16 bits
# The ground of transparent pictures: that of drawn poses, and what most files hold there anyway
GROUND = 0, 0, 0, 255
# chunks of a PNG that may hold an orientation, at its end too
NOTES = b'eXIf', b'iTXt', b'tEXt', b'zTXt'
UNCHANGED = {'1', 'L', 'P', 'RGB', 'CMYK', 'YCbCr'}   # modes whose pixels older caches have right
TURNS = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
         4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
         6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
         8: Image.Transpose.ROTATE_90}
# Pillow's remarks on pictures that it reads; our own bound is below the one it warns at
warnings.filterwarnings('ignore', module=r'PIL\.')


def size_of(image: np.ndarray) -> tuple[int, int]:
    """(width, height) px of an image (H, W, C)."""
    return image.shape[1], image.shape[0]


def scaling(before: tuple[int, int], after: tuple[int, int]) -> np.ndarray:
    """float64 (3, 3): px of a picture of that (width, height) -> px of the same one at another
    size. Pixel centres lie at integers, so the upper left corner is at -0.5."""
    across, down = np.divide(after, before)
    return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]])


def in_colour(image: np.ndarray) -> np.ndarray:
    """The image (H, W, 1 or 3) as (H, W, 3)."""
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def write_image(path: Path, image: np.ndarray, quality: int = 95) -> None:
    """Write uint8 RGB (H, W, 1, 3 or 4) as PNG or JPEG, by the suffix of `path`; whole or not at
    all. Four channels are RGB and straight alpha, which a PNG has.

    quality   of a JPEG, 0 to 100

    A PNG has OpenCV's default compression: naming any level, even the lightest, takes twice as
    long. OpenCV only encodes: its own writing fails on Windows for names that are not ASCII.
    """
    if image.shape[2] == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    elif image.shape[2] == 4:
        image = cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA)
    how = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix == '.jpg' else []
    _, encoded = cv2.imencode(path.suffix, image, how)
    with atomic(path, flush=False) as part:
        try:
            part.write_bytes(encoded.tobytes())
        except OSError as error:
            reason = f'{path} could not be written ({error.strerror}'
            if error.errno not in NO_ROOM:
                raise UserError(f'{reason}). Name a folder that you may write to.') from error
            free = shutil.disk_usage(path.parent).free / 1e6
            raise UserError(f'{reason}; {free:.0f} MB are free there). Make room, then give the '
                            f'same command again.') from error


def read_image(path: Path, least: tuple[int, int] | None = None) -> np.ndarray | None:
    """uint8 RGB (H, W, 3); None for a file that is no whole picture.

    least   (width, height) that will do: a JPEG is decoded at a half, quarter or eighth of its
            size if that is as large, which takes half the time or less
    """
    def pixels(image: Image.Image, encoded: bytes) -> np.ndarray:
        if least:
            image.draft(None, least)
        return _pixels(image, encoded)
    picture = _read(path, pixels)
    return None if isinstance(picture, str) else picture


def read_rgba(path: Path) -> np.ndarray | None:
    """uint8 (H, W, 4): RGB and straight alpha; None for a file that is no whole picture."""
    def pixels(image: Image.Image, encoded: bytes) -> np.ndarray:
        return np.asarray(_upright(image, encoded).convert('RGBA'))
    picture = _read(path, pixels)
    return None if isinstance(picture, str) else picture


def opaque(image: np.ndarray) -> np.ndarray:
    """An image (H, W, C); one of four channels composed onto black, as `read_image` gives it."""
    if image.shape[2] != 4:
        return image
    return cv2.multiply(image[..., :3], cv2.merge([image[..., 3]] * 3), scale=1 / 255)


def read_or_reason(path: Path, shrink: int = 1) -> np.ndarray | str:
    """uint8 RGB (H, W, 3), or why the file cannot be read.

    shrink   1, 2, 4 or 8: a JPEG is decoded that many times smaller, its sides rounded up, which
             takes a fraction of the time; other pictures are not
    """
    def pixels(image: Image.Image, encoded: bytes) -> np.ndarray:
        if shrink > 1:
            image.draft('RGB', (image.width // shrink, image.height // shrink))
        return _pixels(image, encoded)
    return _read(path, pixels)


def size_or_reason(path: Path) -> tuple[int, int] | str:
    """(width, height) of a picture that can be read, or why it cannot. Most PNGs are checked by
    their checksums alone, which takes an eighth of the time of decoding them."""
    return _read(path, _checked_size)


def numbers_or_reason(path: Path) -> np.ndarray | str:
    """int32 (H, W): the numbers in a file of one channel of 1 to 32 bits or with a palette, whose
    indices they are; or why the file cannot be read. UserError for a picture in colours."""
    values = _read(path, _channels)
    if isinstance(values, str):
        return values
    first = values[..., 0]
    channels = values.shape[2]
    if (values[..., :1 if channels == 2 else 3] != first[..., None]).any():
        fault = 'a picture in colours'
    elif channels in (2, 4) and (values[..., -1] < 255).any():
        fault = 'a picture with transparency'
    elif (first != first.astype(np.int32)).any():
        fault = 'fractions'
    else:
        return first.astype(np.int32)
    raise UserError(f'{path}: {fault}, not a map of numbers. Save it as PNG with one channel, or '
                    f'with a palette, whose numbers are the labels or instances from 0.')


def is_unchanged(path: Path) -> bool:
    """Whether `path` gives the pixels that it gave before 16 bits, transparency and EXIF counted;
    a file that cannot be read did not count then either. Its pixels are not decoded."""
    def unchanged(image: Image.Image, encoded: bytes) -> bool:
        plain = image.mode in UNCHANGED and not image.has_transparency_data
        return plain and _turn(image, encoded) is None
    return bool(_read(path, unchanged))


def _read(path: Path, use: Callable[[Image.Image, bytes], T]) -> T | str:
    """What `use` makes of the picture in `path`, opened but not decoded, and of its bytes; or why
    it cannot be read."""
    try:
        if not path.is_file():      # a folder, a pipe, or a link to nowhere
            return 'there is no such file'
        if path.stat().st_size > MOST_BYTES:
            return f'more than {MOST_BYTES >> 20} MB'
        encoded = path.read_bytes()
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                return f'{image.width}x{image.height}: more than {MOST_PIXELS >> 20} megapixels'
            return use(image, encoded)
    except Image.DecompressionBombError:
        return f'more than {MOST_PIXELS >> 20} megapixels'
    except Image.UnidentifiedImageError:
        return 'no picture of a known format' if encoded else 'the file is empty'
    except Exception as error:      # of somebody's bytes Pillow raises a dozen kinds
        return getattr(error, 'strerror', None) or str(error) or type(error).__name__


def _turn(image: Image.Image, encoded: bytes) -> Image.Transpose | None:
    """How a picture is turned to be upright; None if it is."""
    if image.format == 'PNG' and not any(note in encoded for note in NOTES):
        return None         # asking Pillow decodes it
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:       # a camera's damaged notes; the pixels may be whole
        return None


def _upright(image: Image.Image, encoded: bytes) -> Image.Image:
    if image.format == 'PNG':       # decoding alone does not look at its checksums
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as again:
            again.verify()
    image.load()            # of a TIFF this turns it
    turn = _turn(image, encoded)
    return image if turn is None else image.transpose(turn)


def _pixels(image: Image.Image, encoded: bytes) -> np.ndarray:
    image = _upright(image, encoded)
    if image.mode.startswith('I;16') or (image.format, image.mode) == ('PPM', 'I'):
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return in_colour(grey[..., None])
    if image.mode in ('I', 'F'):
        raise ValueError('numbers of 32 bits. Save it with 8 or 16 a channel')
    if image.has_transparency_data:
        image = image.convert('RGBA')
        image = Image.alpha_composite(Image.new('RGBA', image.size, GROUND), image)
    return np.asarray(image if image.mode == 'RGB' else image.convert('RGB'))


def _checked_size(image: Image.Image, encoded: bytes) -> tuple[int, int]:
    if image.format == 'PNG' and _turn(image, encoded) is None:
        image.verify()
        return image.size
    return size_of(_pixels(image, encoded))


def _channels(image: Image.Image, encoded: bytes) -> np.ndarray:
    """(H, W, 1 to 4): numbers as they are stored, grey or indices; colours; either with alpha."""
    image = _upright(image, encoded)
    values = np.asarray(image.convert('RGB') if image.mode == 'CMYK' else image)
    return values[..., None] if values.ndim == 2 else values


def pictures_in(folder: Path) -> list[Path]:
    """Every image directly in `folder`, frame2 before frame10."""
    return _named(folder, PICTURES)


def foreign_in(folder: Path) -> str:
    """One sentence about the pictures in `folder` that this program cannot read, with how to
    convert them; '' where there are none."""
    files = _named(folder, FOREIGN)
    kinds = Counter(path.suffix for path in files)
    if not kinds:
        return ''
    counted = ' and '.join(f'{count} {suffix}' for suffix, count in kinds.items())
    converted = ' '.join(f'*{suffix}' for suffix in kinds)
    return (f'{folder}: {counted} cannot be read, e.g. {files[0].name}. Convert them there with '
            f'ImageMagick: magick mogrify -format png {converted}')


def check_no_twins(paths: Sequence[Path]) -> None:
    """UserError where two files differ only in their suffix: results are named by what is before
    it, so that one would take the place of the other."""
    seen: dict[Path, Path] = {}
    twins = []
    for path in paths:
        other = seen.setdefault(path.with_suffix(''), path)
        if other != path:
            twins.append(f'{other.name} and {path.name}')
    if twins:
        more = f' and {len(twins) - 1} more such pairs' if len(twins) > 1 else ''
        raise UserError(f'{paths[0].parent}: {twins[0]}{more} have one name but for the suffix. '
                        f'Rename one of the two, or move it out of the folder.')


def _named(folder: Path, suffixes: set[str]) -> list[Path]:
    """The files directly in `folder` with one of these suffixes, without hidden ones."""
    if not folder.is_dir():
        return []
    found = (p for p in folder.iterdir()
             if p.suffix.lower() in suffixes and not p.name.startswith('.'))
    return sorted(found, key=lambda p: natural(p.name))


def resized(image: np.ndarray, size: tuple[int, int], shrinks: bool | None = None) -> np.ndarray:
    """The uint8 image (H, W, C) at `size` (width, height).

    shrinks    True averages areas, False interpolates bicubically; None averages where the image
               gets narrower

    At its own size it is a copy: OpenCV interpolates there too, which takes 5 to 9 ms of 1080x1920,
    and finds the same pixels.
    """
    if size == size_of(image):
        return image.copy()
    if shrinks is None:
        shrinks = size[0] < image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    # OpenCV drops the last dimension of a picture of one channel
    return cv2.resize(image, size, interpolation=how).reshape(size[1], size[0], *image.shape[2:])


def shrunk(image: np.ndarray, box: tuple[float, float, float, float], size: tuple[int, int]
           ) -> np.ndarray:
    """A box of the uint8 image (H, W) or (H, W, 3) at a smaller `size` (width, height), without
    aliasing.

    box   its left, upper, right and lower edge, px from the image's corner, whole or not; beyond
          the image its edge is repeated
    """
    left, top, right, bottom = box
    past = max(0, -left, -top, right - image.shape[1], bottom - image.shape[0])
    if past:
        more = math.ceil(past)
        image = cv2.copyMakeBorder(image, more, more, more, more, cv2.BORDER_REPLICATE)
        left, top, right, bottom = left + more, top + more, right + more, bottom + more
    small = Image.fromarray(image).resize(size, Image.Resampling.HAMMING,
                                          (left, top, right, bottom))
    return np.array(small)


def fitted(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The uint8 image (H, W, C), resized to `size` (width, height) if need be."""
    return image if size_of(image) == size else resized(image, size)


def side_by_side(*images: np.ndarray, height: int | None = None) -> np.ndarray:
    """One RGB image of all, left to right, scaled to one height (default: the tallest's)."""
    height = height or max(image.shape[0] for image in images)
    scaled = []
    for image in images:
        width = max(1, round(image.shape[1] * height / image.shape[0]))
        scaled.append(resized(image, (width, height), shrinks=height < image.shape[0]))
    return np.hstack(scaled)
