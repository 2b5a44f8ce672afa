"""Weights that a run has saved, read and compared."""
from pathlib import Path

import torch

Saved = dict[str, dict[str, torch.Tensor]]


def weights(folder: Path) -> Saved:
    """{file: state dict} of all networks of a run as it saved them last."""
    return {p.name: torch.load(p, weights_only=True)
            for p in sorted(folder.glob('latest_net_*.pth'))}


def equal(a: Saved, b: Saved) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[f][k], b[f][k]) for f in a for k in a[f])
