"""Skeletons and poses, from detection to drawing. numpy and OpenCV only: nothing imports torch."""
