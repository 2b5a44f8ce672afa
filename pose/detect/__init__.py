"""Detectors: pictures in, joints out. One file each; a file more is one more --detector."""
from typing import TYPE_CHECKING

from util.registry import Registry

if TYPE_CHECKING:                   # choices are listed without importing any of them
    from pose.detect.base import Detector

detectors: 'Registry[Detector]' = Registry('--detector', 'pose.detect', '', 'Detector')
