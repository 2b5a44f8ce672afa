"""Every picture is read by one reader: bounded, upright, in 8 bits, and the same everywhere."""
import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from util.errors import UserError
from util.images import (
    check_no_twins,
    foreign_in,
    is_unchanged,
    numbers_or_reason,
    pictures_in,
    read_image,
    read_or_reason,
    shrunk,
    size_of,
    size_or_reason,
    write_image,
)

COLOURS = np.random.default_rng(0).integers(0, 256, (6, 10, 3), np.uint8)
# how a picture is stored so that a viewer turns it to be COLOURS, by its EXIF orientation
STORED = {1: COLOURS, 2: COLOURS[:, ::-1], 3: COLOURS[::-1, ::-1], 4: COLOURS[::-1],
          5: COLOURS.transpose(1, 0, 2), 6: np.rot90(COLOURS),
          7: COLOURS[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(COLOURS, -1)}


def png_chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


@pytest.mark.parametrize('suffix', ['.png', '.tiff', '.webp'])
@pytest.mark.parametrize('orientation', STORED)
def test_a_photo_is_read_upright(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f'1{suffix}'
    stored = np.ascontiguousarray(STORED[orientation])
    more = {'lossless': True} if suffix == '.webp' else {}
    Image.fromarray(stored).save(path, exif=exif, **more)
    assert np.array_equal(read_image(path), COLOURS)
    assert size_or_reason(path) == (10, 6)
    assert is_unchanged(path) == (orientation == 1)


def test_an_orientation_at_the_end_of_a_png_counts_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(STORED[6])).save(tmp_path / '1.png')
    whole = (tmp_path / '1.png').read_bytes()
    end = whole.index(b'IEND') - 4
    note = png_chunk(b'eXIf', exif.tobytes().removeprefix(b'Exif\0\0'))
    (tmp_path / '1.png').write_bytes(whole[:end] + note + whole[end:])
    assert np.array_equal(read_image(tmp_path / '1.png'), COLOURS)
    assert size_or_reason(tmp_path / '1.png') == (10, 6)


@pytest.mark.parametrize('suffix', ['.png', '.tiff', '.ppm'])
@pytest.mark.parametrize('channels', [1, 3])
def test_16_bits_are_scaled_to_8(tmp_path, suffix, channels):
    if channels == 1 and suffix == '.ppm':
        suffix = '.png'
    deep = COLOURS[..., :channels].astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / f'1{suffix}'), deep[..., ::-1])
    assert np.array_equal(read_image(tmp_path / f'1{suffix}'),
                          np.broadcast_to(COLOURS[..., :channels], COLOURS.shape))


@pytest.mark.parametrize('mode', ['RGBA', 'LA', 'P'])
def test_what_is_transparent_is_black_and_not_what_lies_under_it(tmp_path, mode):
    seen = np.zeros((6, 10), np.uint8)
    seen[:, :5] = 255
    if mode == 'P':
        picture = Image.fromarray(seen // 255)
        picture.putpalette([200, 10, 10, 90, 90, 90])
        picture.save(tmp_path / '1.png', transparency=0)
    else:
        grey = Image.fromarray(np.full((6, 10), 90, np.uint8))
        bands = [grey] * (3 if mode == 'RGBA' else 1)
        Image.merge(mode, [*bands, Image.fromarray(seen)]).save(tmp_path / '1.png')
    picture = read_image(tmp_path / '1.png')
    assert (picture[:, :5] == 90).all() and not picture[:, 5:].any()
    assert not is_unchanged(tmp_path / '1.png')


@pytest.mark.parametrize('mode', ['1', 'L', 'P', 'CMYK'])
def test_other_modes_are_what_pillow_shows_as_before(tmp_path, mode):
    path = tmp_path / ('1.jpg' if mode == 'CMYK' else '1.png')
    Image.fromarray(COLOURS).convert(mode).save(path)
    with Image.open(path) as image:
        assert np.array_equal(read_image(path), np.asarray(image.convert('RGB')))
    assert is_unchanged(path)


def test_of_several_pictures_the_first_is_read(tmp_path):
    first, second = Image.fromarray(COLOURS), Image.fromarray(255 - COLOURS)
    first.save(tmp_path / '1.png', save_all=True, append_images=[second])
    first.save(tmp_path / '1.tiff', save_all=True, append_images=[second])
    for name in ('1.png', '1.tiff'):
        assert np.array_equal(read_image(tmp_path / name), COLOURS)


def png_bomb(path, side):
    """A PNG of a few hundred bytes that claims `side` x `side` pixels."""
    header = struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + png_chunk(b'IHDR', header)
                     + png_chunk(b'IDAT', zlib.compress(bytes(999))) + png_chunk(b'IEND', b''))


@pytest.mark.filterwarnings('ignore::PIL.Image.DecompressionBombWarning')
@pytest.mark.parametrize('side', [9000, 12000, 60000])
@pytest.mark.parametrize('read', [read_or_reason, size_or_reason, numbers_or_reason])
def test_pixels_are_counted_before_they_are_decoded(tmp_path, side, read):
    png_bomb(tmp_path / '1.png', side)
    assert 'more than 64 megapixels' in read(tmp_path / '1.png')
    assert read_image(tmp_path / '1.png') is None


def test_a_flipped_bit_is_found_by_the_checksum_of_a_png(tmp_path):
    path = tmp_path / '1.png'
    Image.fromarray(COLOURS).save(path, compress_level=0)
    whole = bytearray(path.read_bytes())
    whole[whole.index(b'IDAT') + 30] ^= 1
    path.write_bytes(whole)
    assert 'checksum' in read_or_reason(path) and 'checksum' in size_or_reason(path)


def broken(folder):
    """Files named as pictures that are none, each for another reason."""
    Image.fromarray(COLOURS).resize((200, 200)).save(folder / 'whole.jpg')
    whole = (folder / 'whole.jpg').read_bytes()
    (folder / 'cut.jpg').write_bytes(whole[:len(whole) // 2])
    (folder / 'empty.png').touch()
    (folder / 'text.png').write_text('not a picture')
    (folder / 'page.png').write_text('%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n')
    (folder / 'link.png').symlink_to('/nowhere/1.png')
    (folder / 'folder.png').mkdir()
    os.mkfifo(folder / 'pipe.png')
    Image.fromarray(COLOURS[..., 0].astype(np.float32)).save(folder / 'floats.tiff')
    (folder / 'whole.jpg').unlink()
    return sorted(folder.iterdir())


def test_whatever_is_no_picture_has_a_reason_and_stops_nothing(tmp_path):
    reasons = {path.name: read_or_reason(path) for path in broken(tmp_path)}
    assert all(isinstance(reason, str) and reason for reason in reasons.values()), reasons
    assert reasons == {path.name: size_or_reason(path) for path in tmp_path.iterdir()}
    assert 'truncated' in reasons['cut.jpg'] and 'empty' in reasons['empty.png']
    assert reasons['link.png'] == reasons['pipe.png'] == 'there is no such file'
    assert '8 or 16' in reasons['floats.tiff'] and 'known format' in reasons['page.png']


@pytest.mark.parametrize('mode', ['grey', 'palette', '16 bits', '32 bits', 'equal channels'])
def test_a_map_gives_its_numbers_however_it_is_saved(tmp_path, mode):
    numbers = np.arange(60).reshape(6, 10)
    path = tmp_path / ('1.tiff' if mode == '32 bits' else '1.png')
    if mode == 'palette':
        picture = Image.fromarray(numbers.astype(np.uint8))
        picture.putpalette(COLOURS.ravel().tolist())
    elif mode == '16 bits':
        numbers = numbers * 1000
        picture = Image.fromarray(numbers.astype(np.uint16))
    elif mode == '32 bits':
        numbers = numbers * 100000 - 7
        picture = Image.fromarray(numbers.astype(np.int32))
    else:
        picture = Image.fromarray(numbers.astype(np.uint8))
        picture = picture.convert('RGB') if mode == 'equal channels' else picture
    picture.save(path)
    assert np.array_equal(numbers_or_reason(path), numbers)


def test_a_map_is_turned_as_its_frame_is(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(STORED[6][..., 0])).save(tmp_path / '1.png', exif=exif)
    assert np.array_equal(numbers_or_reason(tmp_path / '1.png'), COLOURS[..., 0])


def test_colours_transparency_and_fractions_are_no_numbers(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / '1.png')
    Image.fromarray(np.uint8([[[3, 0]]]), 'LA').save(tmp_path / '2.png')
    Image.fromarray(np.float32([[0.5]])).save(tmp_path / '3.tiff')
    for name, says in (('1.png', 'in colours'), ('2.png', 'transparency'), ('3.tiff', 'fractions')):
        with pytest.raises(UserError, match=f'{name}: .*{says}'):
            numbers_or_reason(tmp_path / name)


def test_hidden_files_are_no_pictures_and_every_jpeg_is_one(tmp_path):
    for name in ('._1.png', '.hidden.jpg', 'Thumbs.db', 'b.JFIF', 'a.png', 'c.HEIC'):
        (tmp_path / name).touch()
    assert [path.name for path in pictures_in(tmp_path)] == ['a.png', 'b.JFIF']
    assert pictures_in(tmp_path / 'nowhere') == []


def test_pictures_of_phones_are_counted_with_how_to_convert_them(tmp_path):
    assert foreign_in(tmp_path) == ''
    for name in ('1.HEIC', '2.HEIC', '3.gif', '._4.HEIC', '5.png'):
        (tmp_path / name).touch()
    said = foreign_in(tmp_path)
    assert '2 .HEIC and 1 .gif' in said and '1.HEIC' in said and '*.HEIC *.gif' in said


def test_files_that_differ_in_their_suffix_alone_are_named(tmp_path):
    check_no_twins([tmp_path / '1.png', tmp_path / '2.png'])
    twins = [tmp_path / name for name in ('1.jpg', '1.png', '2.jpg', '2.png', '3.png')]
    with pytest.raises(UserError, match='1.jpg and 1.png and 1 more'):
        check_no_twins(twins)


def test_a_picture_that_was_written_is_read_back(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / '1.png')
    assert size_of(read_image(tmp_path / '1.png')) == (10, 6)
    assert np.array_equal(read_image(tmp_path / '1.png'), COLOURS)


def test_a_jpeg_is_decoded_smaller_and_looks_the_same(tmp_path):
    rows, columns = np.indices((81, 123))
    image = np.dstack([2 * columns, 3 * rows, rows + columns]).astype(np.uint8)
    write_image(tmp_path / 'a.jpg', image, 100)
    write_image(tmp_path / 'a.png', image)
    for shrink in (1, 2, 4, 8):
        found = read_or_reason(tmp_path / 'a.jpg', shrink)
        assert found.shape == (-(-81 // shrink), -(-123 // shrink), 3)
        assert read_or_reason(tmp_path / 'a.png', shrink).shape == image.shape


def test_a_box_between_pixels_is_made_smaller_where_it_lies():
    ramp = np.tile(np.arange(100, dtype=np.uint8), (60, 1))
    found = shrunk(ramp, (10.5, 0, 60.5, 60), (20, 24))
    assert np.allclose(found[5], 10.5 + 2.5 * (np.arange(20) + 0.5) - 0.5, atol=1)
    beyond = shrunk(ramp, (-10, -5, 110, 65), (24, 14))
    assert (beyond[:, 0] == 0).all() and (beyond[:, -1] == 99).all()
