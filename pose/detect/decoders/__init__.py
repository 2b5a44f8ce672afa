"""Decodes the raw output of networks into joints or boxes."""
