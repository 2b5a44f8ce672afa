"""A video becomes a dataset: find poses, clean, crop, draw, write. No torch."""
