"""Bending real frames into a pose, choosing them, and blending them into one image."""
