"""Painting with a trained run, scoring what is painted, and the results folder with its page."""
