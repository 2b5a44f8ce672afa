"""A detected track becomes a plausible one: gaps, swapped sides, jitter, impossible bones."""
