"""Cluster the features of each label that a run with --instance_feat or --label_feat encodes.

    python scripts/encode_features.py --name me

Encodes the run's training frames and writes checkpoints/NAME/features_clustered_010.npy, which
test.py and NVIDIA's pix2pixHD paint with. Takes the flags of test.py.
Wang et al., CVPR 2018, arXiv 1711.11585, Sec. 3.4.
"""
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from options.test_options import TestOptions
from util.errors import UserError, run_main, say
from util.options import Options

if TYPE_CHECKING:
    from torch import Tensor

DESCRIPTION = 'Cluster the features of each label, for test.py to paint with. It has the flags ' \
              'of test.py, but --phase is train and --cluster_path is written.'
LEAST_SHARE = 1 / 64        # of an image: the features of smaller regions are unreliable; they
                            # count only for a label that has no larger one


def main(argv: list[str] | None = None) -> Path:
    """Write the clusters. Returns the path of their file."""
    opt = options_of(sys.argv[1:] if argv is None else argv, DESCRIPTION)

    from models.label_maps import cluster, looks_of_regions
    from util.noted import check_ours, noted_file

    path = Path(opt.checkpoints_dir) / opt.name / opt.cluster_path
    check_ours(path.parent, [path.name])
    by_label: dict[int, list[np.ndarray]] = defaultdict(list)
    for _, features, regions in encoded(opt):
        for label, mean in looks_of_regions(features, regions):
            by_label[label].append(mean)
    clusters = {label: cluster(np.array(means), opt.n_clusters, LEAST_SHARE)
                for label, means in sorted(by_label.items())}
    with noted_file(path.parent, path.name) as part:
        np.save(part, np.array(clusters, dtype=object), allow_pickle=True)
    say(f'{path}: {sum(map(len, clusters.values()))} clusters of {len(clusters)} labels')
    return path


def options_of(argv: list[str], description: str) -> Options:
    """The options of test.py, for a run that encodes features and for its training frames.

    description   for --help
    """
    options = TestOptions()
    options.description = description
    options.script = None
    if {'-h', '--help'} & set(argv):
        argv = ['--model', 'pix2pixHD', *argv]              # the help lists its flags too
    known, _, _ = options.look_first(argv)
    if known['model'] != 'pix2pixHD':
        raise UserError(f'--name {known["name"]}: {known["checkpoints_dir"]} has no run of --model '
                        f'pix2pixHD by this name. Name one that was trained with --instance_feat.')
    opt = options.parse(['--phase', 'train', *argv, '--use_encoded_image'])
    if not (getattr(opt, 'instance_feat', False) or getattr(opt, 'label_feat', False)):
        raise UserError(f'{opt.name} was trained with neither --instance_feat nor --label_feat: '
                        f'it has no features to encode.')
    return opt


def encoded(opt: Options) -> 'Iterator[tuple[Path, Tensor, Tensor]]':
    """For each item: the path of its label map, its features, float (1, feat_num, H, W) in [-1, 1],
    and the numbers of its regions, (1, 1, H, W)."""
    import torch

    from data import datasets
    from data.loader import Loader
    from models import models
    from models.engine import choose_engine
    from util.progress import progress

    dataset = datasets.find(opt.dataset_mode)(opt, opt.phase)
    engine = choose_engine(opt.device, opt.gpu_ids, opt.precision, opt.no_compile)
    model: Any = models.find(opt.model)(opt, engine)
    model.load_weights(Path(opt.checkpoints_dir) / opt.name, opt.epoch)
    for batch in progress(Loader(dataset).epoch(), 'encoding', len(dataset)):
        placed = engine.to_batch(batch)
        with torch.inference_mode(), model.inference_mode():
            regions = model.regions(placed)
            features = model.features(regions, placed)
        yield Path(batch['A_paths'][0]), features.float(), regions


if __name__ == '__main__':
    run_main(main)
