"""How far apart two sets of pictures are as wholes: which kinds of picture, not which picture.

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
NeurIPS 2017, arXiv 1706.08500, Eq. 6, there over an Inception network's features and called FID.
Here it is over VGG16's (relu5_3, the mean over the places: util.metrics.lpips.Features.pooled) and
called the VGG16 Fréchet distance: its numbers do not compare with any FID.
"""
import numpy as np

from util.errors import UserError


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Between the Gaussians fitted to features (N, D) and (M, D): 0 for like ones, no upper end.

    |mean - mean'|^2 + tr(S + S' - 2 (S S')^(1/2)). Lower is better. With few pictures it is too
    large: compare only what was taken from the same pictures, or from as many.
    UserError for fewer than two of either.

    With S = A'A and S' = B'B the last trace is the sum of the singular values of A B', which has
    no root of a singular matrix in it however few the pictures are.
    """
    if min(len(a), len(b)) < 2:
        raise UserError(f'a Fréchet distance takes two pictures at least on either side; there '
                        f'are {len(a)} and {len(b)}.')
    a, b = a.astype(np.float64), b.astype(np.float64)
    shift = a.mean(axis=0) - b.mean(axis=0)
    root_a, root_b = _root(a), _root(b)
    common = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    spread = np.square(root_a).sum() + np.square(root_b).sum() - 2 * common
    return max(float(shift @ shift + spread), 0.0)      # rounding leaves a little on either side


def _root(features: np.ndarray) -> np.ndarray:
    """A matrix A of min(N, D) rows with A'A the covariance of features (N, D)."""
    centred = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    return np.asarray(np.linalg.qr(centred, mode='r'))
