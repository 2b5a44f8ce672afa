"""Compares the poses of two tracks: the nearest frames, and poses without a near one."""
