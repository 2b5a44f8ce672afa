"""Label maps and instance maps, whose pixels are numbers, and the encoded features of regions.

Wang et al., CVPR 2018, arXiv 1711.11585, Sec. 3.3 and 3.4. The numbering is that of Cityscapes: an
instance is 1000 * label + k; a label without instances has its own number.

Shape letters: B batch, C channels, H W pixels.
"""
import colorsys
import pickle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.engine import Batch
from util.errors import UserError
from util.pickles import read_npy_object
from util.words import command


def labels_of(poses: Tensor) -> Tensor:
    """Label maps float (B, C, H, W) in [-1, 1] -> (B, 1, H, W) numbers."""
    return ((poses[:, :1] + 1) * 127.5).round()


def one_hot(poses: Tensor, label_nc: int) -> Tensor:
    """Label maps float (B, C, H, W) in [-1, 1] -> (B, label_nc, H, W): 1 at each pixel's label."""
    labels = torch.arange(label_nc, device=poses.device).reshape(1, -1, 1, 1)
    return (labels_of(poses) == labels).float()


def instances_of(batch: Batch) -> Tensor:
    """(B, 1, H, W) numbers; UserError where the dataset has no instance maps."""
    if 'instances' not in batch:
        raise UserError('this run paints from instance maps, and this dataset has none: put them '
                        'into DATAROOT/PHASE_inst.')
    return batch['instances']


def edges_of(regions: Tensor) -> Tensor:
    """regions (B, 1, H, W) numbers -> float (B, 1, H, W): 1 where the pixel above, below, left or
    right belongs to another region. Sec. 3.3."""
    edge = torch.zeros_like(regions, dtype=torch.bool)
    across = regions[..., 1:] != regions[..., :-1]
    down = regions[..., 1:, :] != regions[..., :-1, :]
    edge[..., 1:] |= across
    edge[..., :-1] |= across
    edge[..., 1:, :] |= down
    edge[..., :-1, :] |= down
    return edge.float()


def coloured(poses: Tensor, label_nc: int) -> Tensor:
    """Label maps as people see them: black for 0, another colour for each other label, with
    very different colours for successive labels; float (B, 3, H, W) in [-1, 1]."""
    colours = [colorsys.hsv_to_rgb(k * 0.618 % 1, 0.6 + 0.4 * (k % 2), 1.0)
               for k in range(label_nc)]
    table = torch.tensor([(0.0, 0.0, 0.0), *colours[1:]], device=poses.device) * 2 - 1
    labels = labels_of(poses)[:, 0].long().clamp(max=label_nc - 1)
    return table[labels].permute(0, 3, 1, 2)


def label_of(instance: int) -> int:
    """The label of an instance number."""
    return instance // 1000 if instance >= 1000 else instance


def read_clusters(path: Path, name: str) -> dict[int, np.ndarray]:
    """{label: float (clusters, feat_num)}, as NVIDIA's encode_features.py writes it too."""
    if not path.is_file():
        raise UserError(f'{path}: the features to paint with are missing. Add --use_encoded_image '
                        f'to take them from the frames, or type: '
                        + command('scripts/encode_features.py', name=name))
    try:
        with open(path, 'rb') as file:
            return {int(label): centres for label, centres in read_npy_object(file).items()}
    except (pickle.UnpicklingError, ValueError, EOFError, AttributeError) as error:
        raise UserError(f'{path} is no file of clustered features ({error}). Write it again with '
                        f'scripts/encode_features.py.') from error


def sample_clusters(clusters: dict[int, np.ndarray], regions: Tensor, feat_num: int,
                    seed: int) -> Tensor:
    """regions (B, 1, H, W) -> (B, feat_num, H, W): for each region one cluster of its label, the
    same in every frame; 0 for a label without clusters."""
    numbers, place = regions.unique(return_inverse=True)
    looks = np.zeros((len(numbers), feat_num), np.float32)
    for row, number in enumerate(numbers.long().tolist()):
        known = clusters.get(label_of(number))
        if known is not None and len(known):
            rng = np.random.default_rng((seed, max(number, 0)))
            looks[row] = known[rng.integers(len(known))]
    return torch.from_numpy(looks).to(regions.device)[place[:, 0]].permute(0, 3, 1, 2)


def looks_of_regions(features: Tensor, regions: Tensor) -> list[tuple[int, np.ndarray]]:
    """(label, float (feat_num + 1,)) of each region of the first image: its features, their median
    as the edge may differ, and its fraction of the image's area."""
    numbers, place, count = regions[0].flatten().unique(return_inverse=True, return_counts=True)
    found = []
    for k in range(len(count)):
        look = features[0].flatten(1)[:, place == k].median(1).values.float().cpu().numpy()
        found.append((label_of(int(numbers[k])), np.append(look, float(count[k]) / len(place))))
    return found


def cluster(looks: np.ndarray, most: int, least_share: float) -> np.ndarray:
    """The centres (clusters, feat_num) of at most `most` clusters of looks (N, feat_num + 1), by
    k-means; regions smaller than `least_share` are used only where there are no others."""
    from scipy.cluster.vq import kmeans2
    large = looks[looks[:, -1] >= least_share]
    kept = large if len(large) else looks
    kept = np.unique(kept[:, :-1].astype(np.float64), axis=0)
    if len(kept) <= most:
        return kept
    centres, groups = kmeans2(kept, most, minit='++', seed=0)
    return centres[np.unique(groups)]
