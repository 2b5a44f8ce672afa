"""Follows everybody from frame to frame, and picks the person to use."""
