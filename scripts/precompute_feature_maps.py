"""Encode every frame with one run, so that a larger run can train on the features.

    python scripts/precompute_feature_maps.py --name small
    python train.py --name large --netG local --load_pretrain small --instance_feat --load_features

Writes DATAROOT/PHASE_feat/NAME.png for each PHASE_label/NAME.png, at the same size: a run at full
resolution then needs no memory for the encoder. Takes the flags of test.py, with --phase train.
Wang et al., CVPR 2018, arXiv 1711.11585, Sec. 3.4; as NVIDIA's script of this name.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.encode_features import encoded, options_of
from util.errors import UserError, run_main, say

DESCRIPTION = 'Encode every frame with a run, for train.py --load_features. It has the flags of ' \
              'test.py, but --phase is train and DATAROOT/PHASE_feat is written.'


def main(argv: list[str] | None = None) -> Path:
    """Write the feature maps. Returns their folder."""
    opt = options_of(sys.argv[1:] if argv is None else argv, DESCRIPTION)
    if opt.load_features:
        raise UserError(f'{opt.name} was trained with --load_features: it has no encoder. Name the '
                        f'run that encoded its features.')
    if opt.dataset_mode != 'labelled':
        raise UserError(f'{opt.dataroot} is not in pix2pixHD\'s folders (PHASE_label, PHASE_img), '
                        f'and feature maps are read from those alone. Name such a dataset.')
    if opt.feat_num != 3:
        raise UserError(f'{opt.name} encodes {opt.feat_num} features, but an image holds 3. Train '
                        f'it with --feat_num 3.')

    from PIL import Image

    from models.engine import to_image
    from util.images import size_or_reason
    from util.owned import check_pictures, replacing_pictures

    folder = Path(opt.dataroot) / f'{opt.phase}_feat'
    # NVIDIA's script writes files with the same names
    check_pictures(folder, [path.name for path in folder.glob('*.png')])
    with replacing_pictures(folder) as part:
        for path, features, _ in encoded(opt):
            size = size_or_reason(path)
            if isinstance(size, str):
                raise UserError(f'{path} cannot be read ({size}).')
            picture = Image.fromarray(to_image(features)[0])
            # nearest: a mean of two regions' features belongs to neither
            picture.resize(size, Image.Resampling.NEAREST).save(part / f'{path.stem}.png')
        count = len(list(part.iterdir()))
    say(f'{folder}: the features of {count} frames')
    return folder


if __name__ == '__main__':
    run_main(main)
