"""Fréchet distance: how far apart the distributions of two sets of images are.

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
NeurIPS 2017, arXiv 1706.08500, Eq. 6. The paper uses an Inception network and calls it FID. Here
the features are VGG16's (relu5_3, spatial mean: util.metrics.lpips.Features.pooled), so its
numbers do not compare with any FID.
"""
import numpy as np

from util.errors import UserError


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Between the Gaussians fitted to features (N, D) and (M, D): 0 for equal ones, unbounded.

    |mean - mean'|^2 + tr(S + S' - 2 (S S')^(1/2)). Lower is better. Biased upwards for few images:
    compare only numbers of the same images, or of equally many.
    UserError for fewer than two of either.

    With S = A'A and S' = B'B the last trace is the sum of the singular values of A B'. That needs
    no square root of a matrix that is singular when images are few.
    """
    if min(len(a), len(b)) < 2:
        raise UserError(f'a Fréchet distance needs at least two images on each side; there are '
                        f'{len(a)} and {len(b)}.')
    a, b = a.astype(np.float64), b.astype(np.float64)
    shift = a.mean(axis=0) - b.mean(axis=0)
    root_a, root_b = _root(a), _root(b)
    common = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    spread = np.square(root_a).sum() + np.square(root_b).sum() - 2 * common
    return max(float(shift @ shift + spread), 0.0)      # rounding can leave a small negative number


def _root(features: np.ndarray) -> np.ndarray:
    """A matrix A of min(N, D) rows, with A'A the covariance of features (N, D)."""
    centred = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    return np.asarray(np.linalg.qr(centred, mode='r'))
