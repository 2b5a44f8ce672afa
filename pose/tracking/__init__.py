"""Follows people from frame to frame and picks the one to use."""
