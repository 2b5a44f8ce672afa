"""Find the looks that a run with --instance_feat or --label_feat can paint each label with.

    python scripts/encode_features.py --name me

Encodes what the run was trained on and writes checkpoints/NAME/features_clustered_010.npy, which
test.py paints with, and NVIDIA's pix2pixHD too. Takes the flags of test.py.
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

LEAST_SHARE = 1 / 64        # of a picture: smaller regions say little, and count only where a
                            # label has no others


def main(argv: list[str] | None = None) -> Path:
    """Write the file; its path."""
    opt = options_of(sys.argv[1:] if argv is None else argv)

    from models.label_maps import cluster, looks_of_regions
    from util.files import atomic
    from util.owned import check_ours, note

    path = Path(opt.checkpoints_dir) / opt.name / opt.cluster_path
    check_ours(path.parent, [path.name])
    looks: dict[int, list[np.ndarray]] = defaultdict(list)
    for _, features, regions in encoded(opt):
        for label, look in looks_of_regions(features, regions):
            looks[label].append(look)
    clusters = {label: cluster(np.array(found), opt.n_clusters, LEAST_SHARE)
                for label, found in sorted(looks.items())}
    with atomic(path) as part:
        np.save(part, np.array(clusters, dtype=object), allow_pickle=True)
    note(path.parent, [path.name])
    say(f'{path}: {sum(map(len, clusters.values()))} looks of {len(clusters)} labels')
    return path


def options_of(argv: list[str]) -> Options:
    """test.py's, of a run that encodes features, for what it was trained on."""
    known, _, _ = TestOptions().look_first(argv)
    if known['model'] != 'pix2pixHD' and not {'-h', '--help'} & set(argv):
        raise UserError(f'--name {known["name"]}: {known["checkpoints_dir"]} has no run of --model '
                        f'pix2pixHD by this name. Name one that was trained with --instance_feat.')
    opt = TestOptions().parse(['--phase', 'train', *argv, '--use_encoded_image'])
    if not (getattr(opt, 'instance_feat', False) or getattr(opt, 'label_feat', False)):
        raise UserError(f'{opt.name} was trained with neither --instance_feat nor --label_feat: '
                        f'it has no features to encode.')
    return opt


def encoded(opt: Options) -> 'Iterator[tuple[Path, Tensor, Tensor]]':
    """Of each item the file of its labels, its features (1, feat_num, H, W) in [-1, 1], and the
    numbers of its regions (1, 1, H, W)."""
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
