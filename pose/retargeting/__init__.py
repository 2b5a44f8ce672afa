"""Fits the track of a source to the body and place of the target."""
