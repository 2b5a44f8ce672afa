"""OpenPose: a network of part affinity fields through OpenCV's dnn; decoders/paf.py finds people.

Cao et al., CVPR 2017, arXiv 1611.08050. MobileNet-thin is ildoonet/tf-pose-estimation's network:
OpenPose's maps on a small MobileNet (Howard et al., 2017, arXiv 1704.04861). CMU's own BODY_25
and COCO networks run in the same place where the user has them.
"""
import argparse
from pathlib import Path

import cv2
import numpy as np

from pose.detect.base import Detector
from pose.detect.decoders.paf import LAYOUTS, decode, layout_of
from pose.skeleton import clean, convert, skeleton_of
from util.downloads import weights_path
from util.errors import UserError
from util.images import resized
from util.options import Options

MULTIPLE = 16                 # px: each side of the network's input must be a multiple of it


class OpenPose(Detector):
    """18 or 25 joints of everybody, as BODY_25; MobileNet-thin and COCO have no feet."""
    DESCRIPTION = 'OpenPose: part affinity fields, several people'
    RATE = 'about 5 frames/s on two cores at 368 px'
    NEEDS = 'python scripts/get_models.py openpose, once'

    @classmethod
    def declare_options(cls, group: 'argparse._ArgumentGroup') -> None:
        group.add_argument('--openpose_model', default=None, metavar='FILE.caffemodel',
                           help="CMU's BODY_25 or COCO weights, with --openpose_proto; "
                                "MobileNet-thin if not given")
        group.add_argument('--openpose_proto', default=None, metavar='FILE.prototxt',
                           help='the network that belongs to --openpose_model')
        group.add_argument('--openpose_size', type=int, default=368,
                           help=f"height of the network's input in px, a multiple of {MULTIPLE}; "
                                f"more finds smaller people, slower")

    @classmethod
    def check(cls, opt: Options) -> None:
        size = opt.openpose_size
        if not 64 <= size <= 2048 or size % MULTIPLE:
            raise UserError(f'--openpose_size {size}: give a multiple of {MULTIPLE} from 64 to '
                            f'2048, e.g. 368.')
        given = {'--openpose_model': opt.openpose_model, '--openpose_proto': opt.openpose_proto}
        if not any(given.values()):
            weights_path('openpose')
            return
        for flag, path in given.items():
            if not path:
                raise UserError(f'{flag} is missing: --openpose_model FILE.caffemodel and '
                                f'--openpose_proto FILE.prototxt go together.')
        for flag, path in given.items():
            if not Path(path).is_file():
                raise UserError(f'{flag} {path}: there is no such file.')

    def __init__(self, opt: Options) -> None:
        self.height = opt.openpose_size
        try:
            self.net, self.scale, self.mean = load_network(opt.openpose_model, opt.openpose_proto)
            channels = len(self.maps(np.zeros((64, 64, 3), np.uint8), (64, 64)))
        except cv2.error as error:
            name = opt.openpose_model or 'MobileNet-thin'
            raise UserError(f'--detector openpose: {name} is no network that OpenCV '
                            f'{cv2.__version__} can run ({error.err}). Fetch its files '
                            f'again.') from error
        layout = layout_of(channels)
        if layout is None:
            known = ' or '.join(f'{one.channels} ({one.skeleton})' for one in LAYOUTS)
            raise UserError(f'--openpose_proto {opt.openpose_proto}: this network gives '
                            f'{channels} maps, which is neither of {known}. Give '
                            f"CMU's BODY_25 or COCO network.")
        self.layout = layout

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        height, width = image.shape[:2]
        net_width = max(round(self.height * width / height / MULTIPLE), 1) * MULTIPLE
        maps = self.maps(image, (net_width, self.height))
        people = decode(maps, self.layout)
        # A cell's centre in px: the picture's edges are the map's edges.
        scale = np.array([width / maps.shape[2], height / maps.shape[1]])
        people[..., :2] = (people[..., :2] + 0.5) * scale - 0.5
        poses = convert(people[..., :3], skeleton_of(self.layout.skeleton),
                        skeleton_of(self.skeleton))
        return clean(np.concatenate([poses, np.full_like(poses[..., :1], np.nan)], -1))

    def maps(self, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """The network's maps of a picture, uint8 RGB, resized to `size`, (width, height).

        Returns  float32 (channels, h, w), an eighth as large
        """
        shown = resized(image, size, shrinks=size[1] < image.shape[0])
        self.net.setInput(cv2.dnn.blobFromImage(shown, self.scale, size, (self.mean,) * 3,
                                                swapRB=True))
        return self.net.forward()[0]


def load_network(model: str | None, proto: str | None) -> tuple['cv2.dnn.Net', float, float]:
    """CMU's network from its two files, MobileNet-thin when None; its input's scale and mean.

    The input of a network is (BGR - mean) * scale.
    """
    if model is None or proto is None:
        # Its graph starts with its own scaling: its input is 0..255.
        graph = np.fromfile(weights_path('openpose'), np.uint8)
        return cv2.dnn.readNetFromTensorflow(graph), 1.0, 0.0
    # x / 256 - 0.5, as in OpenPose's own C++ for the networks it trained
    # (uCharCvMatToFloatPtr); OpenCV's sample leaves out the -0.5.
    # as bytes: OpenCV crashes on a path that is not UTF-8
    files = [np.fromfile(file, np.uint8) for file in (proto, model)]
    return cv2.dnn.readNetFromCaffe(*files), 1 / 256, 128.0
