"""How good painted pictures and films are, in numbers: pure functions, one file per kind.

pictures.py needs numpy and OpenCV only; lpips.py and frechet.py need torch, and are imported where
they are asked for.
"""
