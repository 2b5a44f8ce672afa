"""Detectors: pictures in, joints out. One file each; a file more is one more --detector."""
from util.registry import Registry

detectors = Registry('--detector', 'pose.detect', '', 'Detector')
