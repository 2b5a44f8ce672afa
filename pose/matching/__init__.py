"""Comparing the poses of two tracks: the nearest frames, and what has no near one."""
