"""Find the looks that a run with --instance_feat or --label_feat can paint each label with.

    python scripts/encode_features.py --name me

Encodes what the run was trained on and writes checkpoints/NAME/features_clustered_010.npy, which
test.py paints with, and NVIDIA's pix2pixHD too. Takes the flags of test.py.
Wang et al., CVPR 2018, arXiv 1711.11585, Sec. 3.4.
"""
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from options.test_options import TestOptions
from util.errors import UserError, run_main, say

LEAST_SHARE = 1 / 64        # of a picture: smaller regions say little, and count only where a
                            # label has no others


def main(argv: list[str] | None = None) -> Path:
    """Write the file; its path."""
    argv = sys.argv[1:] if argv is None else argv
    opt = TestOptions().parse(['--phase', 'train', *argv, '--use_encoded_image'])
    if not (getattr(opt, 'instance_feat', False) or getattr(opt, 'label_feat', False)):
        raise UserError(f'{opt.name} was trained with neither --instance_feat nor --label_feat: '
                        f'it has no features to encode.')

    import torch

    from data import datasets
    from data.loader import Loader
    from models import models
    from models.engine import choose_engine
    from models.label_maps import cluster, looks_of_regions
    from util.files import atomic
    from util.progress import progress

    run = Path(opt.checkpoints_dir) / opt.name
    dataset = datasets.find(opt.dataset_mode)(opt, opt.phase)
    engine = choose_engine(opt.device, opt.gpu_ids, opt.precision, opt.no_compile)
    model: Any = models.find(opt.model)(opt, engine)
    model.load_weights(run, opt.epoch)
    looks: dict[int, list[np.ndarray]] = defaultdict(list)
    for batch in progress(Loader(dataset).epoch(), 'encoding', len(dataset)):
        placed = engine.to_batch(batch)
        with torch.inference_mode(), model.painting():
            regions = model.regions(placed)
            for label, look in looks_of_regions(model.features(regions, placed), regions):
                looks[label].append(look)
    path = run / opt.cluster_path
    clusters = {label: cluster(np.array(found), opt.n_clusters, LEAST_SHARE)
                for label, found in sorted(looks.items())}
    with atomic(path) as part:
        np.save(part, np.array(clusters, dtype=object), allow_pickle=True)
    say(f'{path}: {sum(map(len, clusters.values()))} looks of {len(clusters)} labels')
    return path


if __name__ == '__main__':
    run_main(main)
