"""Cleans a track: gaps, swapped sides, jitter, impossible bones."""
