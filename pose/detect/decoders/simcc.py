"""SimCC: the place of a joint as two classifications, into bins along x and bins along y.

Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation",
ECCV 2022, arXiv 2107.03332. The networks are those of Jiang et al., "RTMPose: Real-Time
Multi-Person Pose Estimation based on MMPose", arXiv 2303.07399; Yang et al., "Effective Whole-body
Pose Estimation with Two-stages Distillation" (DWPose), arXiv 2307.15880; and RTMW. Numbers are
from open-mmlab/mmpose's configs: projects/rtmpose, codecs/simcc_label.py, _base_/datasets.

Shape letters: N people, K points of the network (17, 26 or 133), W H px of its picture.
"""
import numpy as np

from pose.skeleton import SKELETONS, Skeleton, clean, convert

SPLIT = 2           # bins a pixel
PADDING = 1.25      # the network's picture over a person's box
# Of R, G, B: these networks were trained on RGB. Demos that feed BGR lose accuracy.
MEAN, STD = np.array([(123.675, 116.28, 103.53), (58.395, 57.12, 57.375)], np.float32)

# Our names for the points of a network. Halpe's head, neck and hip are '': our neck and mid-hip
# are the middle of shoulders and hips, as OpenPose's.
COCO = ('Nose', 'LEye', 'REye', 'LEar', 'REar', 'LShoulder', 'RShoulder', 'LElbow', 'RElbow',
        'LWrist', 'RWrist', 'LHip', 'RHip', 'LKnee', 'RKnee', 'LAnkle', 'RAnkle')
NUMBERINGS = {
    17: COCO,
    26: (*COCO, '', '', '', 'LBigToe', 'RBigToe', 'LSmallToe', 'RSmallToe', 'LHeel', 'RHeel'),
    133: (*COCO, 'LBigToe', 'LSmallToe', 'LHeel', 'RBigToe', 'RSmallToe', 'RHeel',
          *(f'Face{k}' for k in range(68)), *(f'LHand{k}' for k in range(21)),
          *(f'RHand{k}' for k in range(21)))}
# The 69th and 70th point of a face, the pupils, are the mean of the six points of an eye.
PUPILS = {'Face68': range(36, 42), 'Face69': range(42, 48)}
EVERYTHING = SKELETONS['BODY_25+face+hands']


def crop_matrix(box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The transform of a person's box into the network's picture, centred and as large as fits.

    box      float (4,): x0, y0, x1, y1 px
    size     (W, H)
    Returns  float (2, 3): picture px to network px, for cv2.warpAffine
    """
    x0, y0, x1, y1 = box
    width, height = size
    scale = min(width / max(x1 - x0, 1), height / max(y1 - y0, 1)) / PADDING
    return np.array([[scale, 0, width / 2 - scale * (x0 + x1) / 2],
                     [0, scale, height / 2 - scale * (y0 + y1) / 2]])


def network_picture(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The network's input: uint8 (., ., 3) RGB to float32 (1, 3, H, W), normalised."""
    import cv2
    crop = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)
    return np.ascontiguousarray(((crop - MEAN) / STD).transpose(2, 0, 1)[None])


def decode_simcc(simcc_x: np.ndarray, simcc_y: np.ndarray) -> np.ndarray:
    """The likeliest bins.

    simcc_x, simcc_y  float (N, K, W * SPLIT), (N, K, H * SPLIT)
    Returns           float32 (N, K, 3): x, y in network px, and the lower of the two maxima: a
                      joint is found only where both are; 0, 0, 0 where it is not above 0
    """
    place = np.stack([simcc_x.argmax(-1), simcc_y.argmax(-1)], -1) / SPLIT
    score = np.minimum(simcc_x.max(-1), simcc_y.max(-1))
    return clean(np.concatenate([place, score[..., None]], -1))


def to_picture(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (..., 3) from px of the network's picture to px of the original."""
    out = points.copy()
    out[..., :2] = (points[..., :2] - matrix[:, 2]) / matrix[0, 0]
    return clean(out)


def canonical(points: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """A network's points, float32 (N, K, 3), as the skeleton's joints, (N, joints, 3).

    Points that the network lacks are not seen, nor is the pupil of an eye that is partly unseen.
    """
    names = NUMBERINGS[points.shape[1]]
    known = [k for k, name in enumerate(names) if name]
    out = np.zeros((len(points), len(EVERYTHING.joints), 3), np.float32)
    out[:, [EVERYTHING.index(names[k]) for k in known]] = points[:, known]
    face = out[:, EVERYTHING.part('face')]
    for pupil, eye in PUPILS.items():
        around, middle = face[:, list(eye)], out[:, EVERYTHING.index(pupil)]
        middle[:, :2] = around[..., :2].mean(1)
        middle[:, 2] = around[..., 2].min(1)
    return convert(out, EVERYTHING, skeleton)
