"""Painting live from a camera: what webcam.py runs. Every stage works on the newest frame."""
