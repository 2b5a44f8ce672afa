"""Metrics of painted images and videos: pure functions, one file per kind.

pictures.py needs only numpy and OpenCV; lpips.py needs torch, so it is imported where it is used.
"""
