"""Writes pictures into a virtual camera of Linux: a device of the kernel's module v4l2loopback.

Structures and numbers are those of linux/videodev2.h. A picture is written as I420: all of Y, then
U and V at half the size, BT.601 in its limited range, which is what programs expect of a camera.
"""
import errno
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from util.errors import UserError

DEVICES = Path('/dev')
DRIVER = b'v4l2 loopback'

# struct v4l2_format: its type, and a union that begins at a multiple of a pointer's size and holds
# 200 bytes; of these a v4l2_pix_format takes twelve numbers
FORMAT = struct.Struct('@I0P12I152x')
# struct v4l2_capability: driver, card, bus, then version, two sets of flags and three reserved
CAPABILITY = struct.Struct('@16s32s32s6I')
OUTPUT = 2                                  # V4L2_BUF_TYPE_VIDEO_OUTPUT
I420 = int.from_bytes(b'YU12', 'little')    # V4L2_PIX_FMT_YUV420
PROGRESSIVE, BT601 = 1, 1                   # V4L2_FIELD_NONE, V4L2_COLORSPACE_SMPTE170M


def request(direction: int, number: int, size: int) -> int:
    """The number of an ioctl, as the macros _IOR (2) and _IOWR (3) make it; its type is V."""
    return direction << 30 | size << 16 | ord('V') << 8 | number


QUERYCAP = request(2, 0, CAPABILITY.size)
S_FMT = request(3, 5, FORMAT.size)


def loopbacks() -> Iterator[Path]:
    """The devices of v4l2loopback, by number."""
    found = [path for path in DEVICES.glob('video*') if path.name[5:].isdigit()]
    for path in sorted(found, key=lambda path: int(path.name[5:])):
        if is_loopback(path):
            yield path


def is_loopback(path: Path) -> bool:
    """Whether a device belongs to v4l2loopback and may be written to."""
    import fcntl
    answer = bytearray(CAPABILITY.size)
    with suppress(OSError):
        device = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(device, QUERYCAP, answer)
        finally:
            os.close(device)
    return bytes(answer).startswith(DRIVER)


class V4l2Camera:
    """A device that other programs see as a camera.

    size    (width, height) px of what `write` takes: what was asked for, or, where a program holds
            the device with another size, that one
    """

    def __init__(self, path: Path, size: tuple[int, int]):
        import fcntl
        self.path = path
        self.device = -1
        try:
            self.device = os.open(path, os.O_WRONLY)
            wanted = bytearray(FORMAT.pack(
                OUTPUT, *size, I420, PROGRESSIVE, size[0], size[0] * size[1] * 3 // 2, BT601,
                0, 0, 0, 0, 0))
            fcntl.ioctl(self.device, S_FMT, wanted)
        except OSError as error:
            self.close()
            raise UserError(f'{path}: {refusal(error)}') from error
        _, width, height, pixels, *_ = FORMAT.unpack(wanted)
        if pixels != I420 or width % 2 or height % 2:
            self.close()
            raise UserError(f'{path}: another program holds it in a form that cannot be written. '
                            f'Close that program, or give another device.')
        self.size = width, height

    def write(self, picture: np.ndarray) -> None:
        """uint8 (H, W, 3) RGB of `size`. It waits where the device does."""
        data = memoryview(i420(picture).tobytes())
        try:
            while data:
                data = data[os.write(self.device, data):]
        except OSError as error:
            raise UserError(f'{self.path}: the virtual camera is gone ({error.strerror}). Start '
                            f'webcam.py again.') from error

    def close(self) -> None:
        if self.device >= 0:
            os.close(self.device)
        self.device = -1


def i420(picture: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) RGB with even sides -> uint8 (H * 3 / 2, W)."""
    import cv2
    return cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)


def refusal(error: OSError) -> str:
    """What is wrong with a device, and what to do."""
    if error.errno == errno.ENOENT:
        return 'no such device. ls /dev/video* lists those there are.'
    if error.errno in (errno.EACCES, errno.EPERM):
        return ('you may not write to it. Add yourself to the group that may: '
                'sudo usermod -aG video $USER, then log in again.')
    if error.errno == errno.EBUSY:
        return 'another program writes to it. Close that program, or give another device.'
    return f'no virtual camera that can be written to ({error.strerror}).'
