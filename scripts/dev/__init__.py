"""Instruments for developers: benchmarks, ablations, fingerprints."""
