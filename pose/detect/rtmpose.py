"""RTMPose, DWPose and RTMW: the user's own ONNX files, run by onnxruntime.

Input and output: decoders/simcc.py. People are found first: decoders/person_boxes.py.
"""
import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from pose.detect.base import Detector
from pose.detect.decoders.person_boxes import decode_boxes, letterbox
from pose.detect.decoders.simcc import (
    NUMBERINGS,
    SPLIT,
    canonical,
    crop_matrix,
    decode_simcc,
    network_picture,
    to_picture,
)
from pose.skeleton import skeleton_of, with_parts
from util.errors import UserError
from util.options import Options

INSTALL = 'pip install onnxruntime==1.31.1'
WHERE = ('open-mmlab/mmpose, projects/rtmpose, lists rtmpose-m_... (17 or 26 points) and rtmw-... '
         '(133): end2end.onnx in the .zip; IDEA-Research/DWPose has dw-ll_ucoco_384.onnx (133)')

# RTMPose's and DWPose's scores lie between 0 and about 1.1. RTMW's are ten times as large: it was
# trained so that softmax(score) fits softmax(10 x truth), the others so that softmax(10 x score)
# does.
LARGE, TENFOLD = 2.0, 10.0
# A person has at least MIN_JOINTS body joints with a confidence of SURE.
MIN_JOINTS, SURE = 4, 0.3
BODY = 17                   # points of the body, the first ones of every network
# A body reaches beyond its joints: the box for the next frame is larger by this factor.
GROW = 1.25
PERSON_SIZE = 640           # px, where a person detector takes any size


class RTMPose(Detector):
    """Everybody in a person detector's boxes; or, without one, the person who fills the picture.

    Without --person_onnx the first frame, and the one after a loss or a cut, is searched as a
    whole, and later ones around the person's last place.
    """
    DESCRIPTION = 'RTMPose, DWPose or RTMW, from an ONNX file of yours'
    RATE = 'rate not measured here: no weights could be had'
    NEEDS = 'a network (--pose_onnx) and onnxruntime'
    PARTS = ('body', 'hands', 'face')

    @classmethod
    def declare_options(cls, group: 'argparse._ArgumentGroup') -> None:
        group.add_argument('--pose_onnx', default=None, metavar='FILE',
                           help='the pose network: 17, 26 or 133 points')
        group.add_argument('--person_onnx', default=None, metavar='FILE',
                           help='YOLOX, or RTMDet if its path says rtmdet, to find people first; '
                                'without it one person is followed')

    @classmethod
    def check(cls, opt: Options) -> None:
        if not opt.pose_onnx:
            raise UserError(f'--detector rtmpose: which network? Add --pose_onnx FILE.onnx: '
                            f'{WHERE}.')
        for flag, file in (('pose_onnx', opt.pose_onnx), ('person_onnx', opt.person_onnx)):
            if file and not Path(file).is_file():
                raise UserError(f'--{flag} {file}: no such file.' + (
                    f' {WHERE}.' if flag == 'pose_onnx' else ''))
        if find_spec('onnxruntime') is None:
            raise UserError(f'--detector rtmpose: onnxruntime is not there. Install it: {INSTALL}.')

    def __init__(self, opt: Options) -> None:
        self.skeleton = with_parts('BODY_25', opt.parts)
        self.pose = Network('--pose_onnx', opt.pose_onnx)
        self.person = Network('--person_onnx', opt.person_onnx) if opt.person_onnx else None
        self.normalise = 'rtmdet' in str(opt.person_onnx).lower()
        self.box: np.ndarray | None = None
        self.scale = 1.0

        width, height = self.pose.size
        shapes = [out.shape for out in self.pose(np.zeros((1, 3, height, width), np.float32))]
        points = shapes[0][1] if len(shapes[0]) == 3 else 0
        if shapes != [(1, points, width * SPLIT), (1, points, height * SPLIT)]:
            raise UserError(f'--pose_onnx {opt.pose_onnx}: answers {shapes} to a picture of '
                            f'{width}x{height} px; RTMPose, DWPose and RTMW give simcc_x and '
                            f'simcc_y. {WHERE}.')
        if points not in NUMBERINGS:
            raise UserError(f'--pose_onnx {opt.pose_onnx}: finds {points} points. Give a network '
                            f'for bodies of 17, 26 or 133: {WHERE}.')
        if points < max(NUMBERINGS) and set(opt.parts) - {'body'}:
            raise UserError(f'--pose_onnx {opt.pose_onnx}: finds {points} points, none of face or '
                            f'hands. Leave --parts out, or give a network of 133 points: {WHERE}.')

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        image = np.ascontiguousarray(image)
        boxes = self.boxes(image)
        found = np.zeros((0, BODY, 3), np.float32)
        if len(boxes):
            found = np.concatenate([self.points(image, box) for box in boxes])
        if found[..., 2].max(initial=0) > LARGE:
            self.scale = TENFOLD
        found[..., 2] = np.minimum(found[..., 2] / self.scale, 1)
        found = found[(found[:, :BODY, 2] >= SURE).sum(1) >= MIN_JOINTS]
        self.box = box_round(found[0]) if len(found) else None
        poses = canonical(found, skeleton_of(self.skeleton))
        return np.concatenate([poses, np.full_like(poses[..., :1], np.nan)], -1)

    def boxes(self, image: np.ndarray) -> Sequence[np.ndarray]:
        """The boxes to search: float (4,) each, x0, y0, x1, y1 px."""
        if self.person is None:
            height, width = image.shape[:2]
            return [np.array([0, 0, width, height]) if self.box is None else self.box]
        shown, ratio = letterbox(image, self.person.size, self.normalise)
        outputs = self.person(shown)
        boxes = decode_boxes(outputs, self.person.size)
        if boxes is None:
            raise UserError(f'--person_onnx {self.person.file}: answers '
                            f'{[out.shape for out in outputs]}, as neither YOLOX nor RTMDet does. '
                            f'Leave it out to follow one person without it.')
        return list(boxes / ratio)

    def points(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The network's points for the person in a box: float32 (1, K, 3), px and raw score."""
        matrix = crop_matrix(box, self.pose.size)
        simcc_x, simcc_y = self.pose(network_picture(image, matrix, self.pose.size))
        return to_picture(decode_simcc(simcc_x, simcc_y), matrix)

    def reset(self) -> None:
        self.box = None


class Network:
    """An ONNX network, ready to run, on the GPU where onnxruntime has one.

    size  (W, H) of its input
    """

    def __init__(self, flag: str, file: str) -> None:
        import onnxruntime
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 3         # errors only
        able = onnxruntime.get_available_providers()
        wanted = [p for p in ('CUDAExecutionProvider', 'CPUExecutionProvider') if p in able]
        self.file = file
        try:
            self.session = onnxruntime.InferenceSession(file, settings, providers=wanted)
        except Exception as error:      # onnxruntime's own errors have no other common base
            raise UserError(f'{flag} {file}: cannot be read as ONNX ({error}). Fetch it '
                            f'again.') from error
        picture = self.session.get_inputs()[0]
        sides = [side if isinstance(side, int) else PERSON_SIZE for side in picture.shape[2:]]
        if len(sides) != 2 or picture.type != 'tensor(float)':
            raise UserError(f'{flag} {file}: takes {picture.type} {picture.shape} where pictures '
                            f'of float (1, 3, height, width) were expected.')
        self.name: str = picture.name
        self.size: tuple[int, int] = (sides[1], sides[0])

    def __call__(self, picture: np.ndarray) -> list[Any]:
        return list(self.session.run(None, {self.name: picture}))


def box_round(points: np.ndarray) -> np.ndarray:
    """A box around the points (K, 3) that are sure: x0, y0, x1, y1 px."""
    sure = points[points[:, 2] >= SURE, :2]
    low, high = sure.min(0), sure.max(0)
    half = (high - low) / 2 * GROW
    return np.concatenate([(low + high) / 2 - half, (low + high) / 2 + half])
