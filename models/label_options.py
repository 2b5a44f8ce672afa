"""Label maps, instance maps and encoded features as flags: declared, and checked against the
dataset. Imports no torch; models.label_maps computes with them."""
from __future__ import annotations

import argparse
from pathlib import Path

from util.errors import UserError, say, warn
from util.options import refuse
from util.words import command


def declare_labels(group: argparse._ArgumentGroup, images: str = '') -> None:
    """--label_nc; `images` is added to its help on pose images."""
    group.add_argument('--label_nc', type=int, default=0,
                       help=f'number of labels, 0 included, if poses are label maps; 0 if they '
                            f'are images{images}')


def declare_features(group: argparse._ArgumentGroup, phase: str) -> None:
    """The flags of instance maps and of encoded features, for phase 'train' or 'test'."""
    group.add_argument('--no_instance', action='store_true',
                       help='give G and D no instance edges; also set where the dataset has no '
                            'instance maps')
    group.add_argument('--instance_feat', action='store_true',
                       help='also paint from features that encode the look of each instance')
    group.add_argument('--label_feat', action='store_true',
                       help='also paint from features that encode the look of each label')
    group.add_argument('--feat_num', type=int, default=3, help='number of such features')
    group.add_argument('--load_features', action='store_true',
                       help='read features from DATAROOT/PHASE_feat, written by '
                            'scripts/precompute_feature_maps.py, instead of encoding them')
    group.add_argument('--nef', type=int, default=16, help='filters in the first layer of E')
    group.add_argument('--n_downsample_E', type=int, default=4,
                       help='how often E halves the image')
    if phase == 'test':
        group.add_argument('--use_encoded_image', action='store_true',
                           help='take the features from the frame itself')
        group.add_argument('--cluster_path', default='features_clustered_010.npy',
                           help='otherwise take them from this file of the run\'s folder, written '
                                'by scripts/encode_features.py')
        group.add_argument('--n_clusters', type=int, default=10,
                           help='clusters of features per label in that script')
        group.add_argument('--cluster_seed', type=int, default=0,
                           help='seed that chooses a cluster for each region')


def validate_labels(opt: argparse.Namespace) -> None:
    """Check --label_nc against the dataset; set it where dataset.json knows it."""
    from data.facts import read_facts
    from pose.draw import LABELS
    root = Path(opt.dataroot)
    draw = read_facts(root).get('draw', {})
    if draw.get('style') in LABELS and 'labels' in draw:
        if not opt.label_nc:
            opt.label_nc = draw['labels']
            say(f'{root} is drawn as label maps: --label_nc {opt.label_nc}.')
        if opt.label_nc < draw['labels']:
            raise UserError(f'--label_nc {opt.label_nc}: {root} has {draw["labels"]} labels. '
                            f'Leave that flag out.')
    elif (root / f'{opt.phase}_label').is_dir() and not opt.label_nc:
        raise UserError(f'{root / opt.phase}_label holds label maps. Give their number of labels '
                        f'as --label_nc, e.g. --label_nc 35 for Cityscapes.')


def validate_instances(opt: argparse.Namespace) -> None:
    """Set --no_instance where the dataset has no instance maps."""
    if not opt.no_instance and not (Path(opt.dataroot) / f'{opt.phase}_inst').is_dir():
        say(f'{opt.dataroot} has no {opt.phase}_inst, so no instance edges are used '
            f'(--no_instance).')
        opt.no_instance = True


def validate_features(opt: argparse.Namespace) -> None:
    """Check the flags of features before training starts; needs validate_instances first."""
    encodes = opt.instance_feat or opt.label_feat
    refuse((
        (opt.instance_feat and opt.no_instance,
         '--instance_feat: there are no instance maps to tell the instances apart. Use '
         '--label_feat with label maps, or leave the flag out.'),
        (opt.label_feat and not opt.label_nc,
         '--label_feat: the poses are images, not label maps. Give --label_nc, or leave the flag '
         'out.'),
        (opt.load_features and not encodes,
         '--load_features: nothing is painted from features. Add --instance_feat or '
         '--label_feat, or leave the flag out.'),
        (opt.load_features and opt.feat_num != 3,
         f'--feat_num {opt.feat_num}: --load_features reads images, which hold 3 numbers. Leave '
         f'--feat_num out.'),
        (opt.load_features and opt.isTrain and opt.dataset_mode != 'labelled',
         f'--load_features: --dataset_mode {opt.dataset_mode} reads no feature maps. Use '
         f'pix2pixHD\'s folders, or leave the flag out.')))
    if opt.load_features and opt.isTrain:
        warn_of_missing_features(opt)


def warn_of_missing_features(opt: argparse.Namespace) -> None:
    """One warning where the held-out frames have no feature maps."""
    heldout = Path(opt.dataroot) / f'{opt.val_phase}_label'
    if heldout.is_dir() and not heldout.with_name(f'{opt.val_phase}_feat').is_dir():
        warn(f'{opt.dataroot} has no {opt.val_phase}_feat, so held-out frames cannot be painted. '
             f'To write it: '
             + command('scripts/precompute_feature_maps.py', name='RUN', phase=opt.val_phase))
