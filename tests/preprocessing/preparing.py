"""Datasets made by preprocess.py, for its tests."""
from pathlib import Path

import preprocess


def prepare(root: Path, *flags: object, **more: bool) -> Path:
    """Run preprocess.py into root, 64 px; its report."""
    return preprocess.main(['--dataroot', str(root), '--size', '64', *map(str, flags)], **more)


def files(folder: Path) -> list[str]:
    """The names of what is in a folder, sorted."""
    return sorted(p.name for p in folder.iterdir())
