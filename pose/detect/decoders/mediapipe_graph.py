"""MediaPipe's networks one by one, each run on a rotated square of a picture.

Its ready-made solutions follow one person only, and smooth with a lag. These are their components:
a network that finds people, one that finds the landmarks of a body in a square around it, and ones
for hands and faces. pose/detect/mediapipe.py chooses the squares.

Its task API (PoseLandmarker) follows several people, but its model files are not in the package of
0.10.21, and this works offline.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020, arXiv 2006.10204;
Zhang et al., "MediaPipe Hands: On-device Real-time Hand Tracking", 2020, arXiv 2006.10214;
Grishchenko et al., "Attention Mesh: High-fidelity Face Mesh Prediction in Real-time", 2020,
arXiv 2006.10962. The parameters are those of the graphs in MediaPipe 0.10.21.
"""
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

ONE_BY_ONE = threading.RLock()      # for what a process has once
# Where MediaPipe declares the options that the graphs below set.
OPTIONS = ('core.split_vector', 'tensor.image_to_tensor', 'tensor.inference',
           'tensor.tensors_to_detections', 'tensor.tensors_to_floats',
           'tensor.tensors_to_landmarks', 'tensor.tensors_to_segmentation', 'tflite.ssd_anchors',
           'util.non_max_suppression', 'util.refine_landmarks_from_heatmap')

INPUT = '''
    input_stream: "image" input_stream: "square"
    node { calculator: "ImageToTensorCalculator"
        input_stream: "IMAGE:image" input_stream: "NORM_RECT:square"
        output_stream: "TENSORS:pixels"
        options { [mediapipe.ImageToTensorCalculatorOptions.ext] {
            output_tensor_width: %(side)d output_tensor_height: %(side)d
            output_tensor_float_range { min: %(black)d max: 1 } border_mode: %(border)s } } }
    node { calculator: "TfLiteCustomOpResolverCalculator" output_side_packet: "OP_RESOLVER:ops" }
    node { calculator: "InferenceCalculator" input_side_packet: "OP_RESOLVER:ops"
        input_stream: "TENSORS:pixels" output_stream: "TENSORS:tensors"
        options { [mediapipe.InferenceCalculatorOptions.ext] {
            model_path: "%(model)s" delegate { xnnpack {} } } } }
'''
PEOPLE = '''
    node { calculator: "SsdAnchorsCalculator" output_side_packet: "anchors"
        options { [mediapipe.SsdAnchorsCalculatorOptions.ext] {
            input_size_width: 224 input_size_height: 224 num_layers: 5
            strides: [8, 16, 32, 32, 32] min_scale: 0.1484375 max_scale: 0.75
            anchor_offset_x: 0.5 anchor_offset_y: 0.5 aspect_ratios: 1
            fixed_anchor_size: true } } }
    node { calculator: "TensorsToDetectionsCalculator"
        input_stream: "TENSORS:tensors" input_side_packet: "ANCHORS:anchors"
        output_stream: "DETECTIONS:candidates"
        options { [mediapipe.TensorsToDetectionsCalculatorOptions.ext] {
            num_classes: 1 num_boxes: 2254 num_coords: 12 box_coord_offset: 0
            keypoint_coord_offset: 4 num_keypoints: 4 num_values_per_keypoint: 2
            x_scale: 224 y_scale: 224 w_scale: 224 h_scale: 224 reverse_output_order: true
            sigmoid_score: true score_clipping_thresh: 100 min_score_thresh: 0.5 } } }
    node { calculator: "NonMaxSuppressionCalculator"
        input_stream: "candidates" output_stream: "people"
        options { [mediapipe.NonMaxSuppressionCalculatorOptions.ext] {
            min_suppression_threshold: 0.3 overlap_type: INTERSECTION_OVER_UNION
            algorithm: WEIGHTED } } }
'''
SPLIT = '''
    node { calculator: "SplitTensorVectorCalculator" input_stream: "tensors"
        output_stream: "places" output_stream: "flag" %s
        options { [mediapipe.SplitVectorCalculatorOptions.ext] { %s } } }
'''
PRESENCE = '''
    node { calculator: "TensorsToFloatsCalculator"
        input_stream: "TENSORS:flag" output_stream: "FLOAT:presence"
        options { [mediapipe.TensorsToFloatsCalculatorOptions.ext] { activation: %s } } }
'''
LANDMARKS = '''
    node { calculator: "TensorsToLandmarksCalculator"
        input_stream: "TENSORS:places" output_stream: "NORM_LANDMARKS:%s"
        options { [mediapipe.TensorsToLandmarksCalculatorOptions.ext] {
            num_landmarks: %d input_image_width: %d input_image_height: %d %s } } }
'''
# MediaPipe's own solution asks for windows of 7, but runs with the default of 9 unless Python has
# imported the option. 9 gives less jitter.
REFINED = '''
    node { calculator: "RefineLandmarksFromHeatmapCalculator"
        input_stream: "NORM_LANDMARKS:rough" input_stream: "TENSORS:heatmap"
        output_stream: "NORM_LANDMARKS:landmarks"
        options { [mediapipe.RefineLandmarksFromHeatmapCalculatorOptions.ext] {
            kernel_size: 9 } } }
'''
# How much of each pixel of the square is the person; the network gives it with the landmarks.
MASK = '''
    node { calculator: "TensorsToSegmentationCalculator"
        input_stream: "TENSORS:person" output_stream: "MASK:mask"
        options { [mediapipe.TensorsToSegmentationCalculatorOptions.ext] {
            activation: SIGMOID gpu_origin: TOP_LEFT } } }
'''
ATTENTION = '''
    node { calculator: "TensorsToFaceLandmarksWithAttention"
        input_stream: "TENSORS:places" output_stream: "LANDMARKS:landmarks" }
'''


class Square(NamedTuple):
    """A square of a picture: its centre, x and y px from the picture's corner, its side in px, and
    its rotation in radians, positive from x towards y."""
    x: float
    y: float
    side: float
    turn: float = 0.0

    def place(self, points: np.ndarray) -> np.ndarray:
        """Points of this square as points of the picture.

        points   float (N, 2 or 3): x, y, depth as shares of the side, from the square's corner
        Returns  the same shape: px, from the picture's corner
        """
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        placed = points * self.side
        x, y = ((points[:, :2] - 0.5) * self.side).T
        placed[:, 0] = self.x + x * cos - y * sin
        placed[:, 1] = self.y + x * sin + y * cos
        return placed


def square_about(middle: np.ndarray, above: np.ndarray, scale: float, lift: float = 0) -> Square:
    """A square in which `above` lies straight above `middle`, both (2,) px.

    scale  half its side, lift how far it is moved up from `middle`: both over their distance
    """
    way = above - middle
    x, y = middle + lift * way
    return Square(x, y, 2 * scale * float(np.hypot(*way)), float(np.arctan2(way[0], -way[1])))


class Picture:
    """A picture in the form that the networks take; several may share it.

    image   uint8 (H, W, 3) RGB
    """

    def __init__(self, image: np.ndarray):
        from mediapipe.python import packet_creator
        from mediapipe.python._framework_bindings.image_frame import ImageFormat
        self.height, self.width = image.shape[:2]
        pixels = np.ascontiguousarray(image)[:]
        pixels.flags.writeable = False      # MediaPipe copies what may still be written to
        self.packet = packet_creator.create_image_frame(pixels, image_format=ImageFormat.SRGB)


class Network:
    """One of MediaPipe's networks. It keeps no state between pictures.

    model    the .tflite file, absolute or within the package's modules/
    side     of its input, px
    graph    the processing of its tensors, in MediaPipe's graph language
    outputs  the names of the graph's streams to return
    """
    def __init__(self, model: str | Path, side: int, graph: str, outputs: tuple[str, ...],
                 black: int = 0, border: str = 'BORDER_REPLICATE'):
        with plain_matplotlib():
            import mediapipe
        from google.protobuf import text_format
        from mediapipe.framework.calculator_pb2 import CalculatorGraphConfig
        from mediapipe.python._framework_bindings.calculator_graph import CalculatorGraph
        for name in OPTIONS:        # the graph's text can be parsed once they are imported
            importlib.import_module(f'mediapipe.calculators.{name}_calculator_pb2')
        file = Path(mediapipe.__file__).parent / 'modules' / model
        config = INPUT % {'side': side, 'model': file.as_posix(), 'black': black, 'border': border}
        self._graph = CalculatorGraph(
            graph_config=text_format.Parse(config + graph, CalculatorGraphConfig()))
        self._outputs: dict[str, Any] = {}
        for name in outputs:
            self._graph.observe_output_stream(name, self._outputs.__setitem__)
        self._graph.start_run()
        self._time = 0
        # Networks write to the terminal at their first picture; here a caller can silence that.
        self._run(Picture(np.zeros((64, 64, 3), np.uint8)), Square(32, 32, 64))

    def _run(self, picture: Picture, square: Square) -> dict[str, Any]:
        """The output packets, by the names of their streams."""
        from mediapipe.framework.formats.rect_pb2 import NormalizedRect
        from mediapipe.python import packet_creator
        side = max(square.side, 1.0)                # an empty square would give no output
        rect = NormalizedRect(
            x_center=square.x / picture.width, y_center=square.y / picture.height,
            width=side / picture.width, height=side / picture.height, rotation=square.turn)
        self._time += 1
        self._outputs.clear()
        packets = {'image': picture.packet, 'square': packet_creator.create_proto(rect)}
        for name, packet in packets.items():
            self._graph.add_packet_to_input_stream(name, packet.at(self._time))
        self._graph.wait_until_idle()
        return self._outputs

    def close(self) -> None:
        self._graph.close()


class PersonFinder(Network):
    """Finds people in a square, if their heads are seen and they are not too small."""

    def __init__(self) -> None:
        super().__init__('pose_detection/pose_detection.tflite', 224, PEOPLE, ('people',),
                         black=-1, border='BORDER_ZERO')

    def __call__(self, picture: Picture, square: Square) -> list[np.ndarray]:
        """Per person, the surest first, float (2, 2): x, y px of the middle of the hips and of a
        point on the circle around the whole body."""
        from mediapipe.python.packet_getter import get_proto_list
        packet = self._run(picture, square).get('people')
        found = get_proto_list(packet) if packet else []
        found.sort(key=lambda person: -person.score[0])
        people = []
        for person in found:
            points = person.location_data.relative_keypoints[:2]
            people.append(square.place(np.array([(point.x, point.y) for point in points])))
        return people


class Landmarker(Network):
    """Finds the landmarks of the body, hand or face that fills a square."""

    def __init__(self, model: str | Path, side: int, graph: str, outputs: tuple[str, ...] = ()):
        super().__init__(model, side, graph, ('landmarks', 'presence', *outputs))

    def __call__(self, picture: Picture, square: Square) -> tuple[np.ndarray, float]:
        """float (N, 4): x, y, depth px, visibility 0..1; and the probability, 0..1, that it is
        there at all."""
        from mediapipe.python.packet_getter import get_float, get_proto
        packets = self._run(picture, square)
        marks = np.array([(mark.x, mark.y, mark.z, mark.visibility)
                          for mark in get_proto(packets['landmarks']).landmark])
        marks[:, :3] = square.place(marks[:, :3])
        return marks, get_float(packets['presence'])


class BodyLandmarker(Landmarker):
    """BlazePose: 33 landmarks, then the middle of the hips and a point on the circle around the
    body (as PersonFinder's), then four that are not used here; and the person's mask."""

    def __init__(self, model: str | Path):
        ranges = ('ranges {begin: 0 end: 1} ranges {begin: 1 end: 2} ranges {begin: 3 end: 4} '
                  'ranges {begin: 2 end: 3}')
        sigmoids = 'visibility_activation: SIGMOID presence_activation: SIGMOID'
        streams = 'output_stream: "heatmap" output_stream: "person"'
        super().__init__(model, 256, SPLIT % (streams, ranges) + PRESENCE % 'NONE'
                         + LANDMARKS % ('rough', 39, 256, 256, sigmoids) + REFINED + MASK,
                         ('mask',))

    def mask(self) -> np.ndarray:
        """uint8 (256, 256): how much of each pixel of the last square is the person, 255 = all.
        Making it takes less time than can be measured next to the landmarks' 21 ms."""
        from mediapipe.python.packet_getter import get_image
        return cv2.convertScaleAbs(get_image(self._outputs['mask']).numpy_view(), alpha=255)


def hand_landmarker() -> Landmarker:
    """21 landmarks of a hand, in OpenPose's numbering."""
    ranges = 'ranges {begin: 0 end: 1} ranges {begin: 1 end: 2}'
    return Landmarker('hand_landmark/hand_landmark_full.tflite', 224,
                      SPLIT % ('', ranges) + PRESENCE % 'NONE'
                      + LANDMARKS % ('landmarks', 21, 224, 224, 'normalize_z: 0.4'))


def face_landmarker() -> Landmarker:
    """The 478 landmarks of a face; 468.. and 473.. are the irises."""
    ranges = 'ranges {begin: 0 end: 6} ranges {begin: 6 end: 7}'
    return Landmarker('face_landmark/face_landmark_with_attention.tflite', 192,
                      SPLIT % ('', ranges) + PRESENCE % 'SIGMOID' + ATTENTION)


def face_square(marks: np.ndarray) -> Square:
    """The next square for the face with these 478 landmarks, with its eyes level."""
    low, high = marks[:, :2].min(0), marks[:, :2].max(0)
    x, y = (low + high) / 2
    across = marks[263, :2] - marks[33, :2]             # the outer corners of the eyes
    return Square(x, y, 1.5 * float((high - low).max()), float(np.arctan2(across[1], across[0])))


@contextmanager
def plain_matplotlib() -> Iterator[None]:
    """MediaPipe imports matplotlib. Jupyter and Colab name a backend for it to every program that a
    cell calls; where its package is missing, as in our .venv, matplotlib refuses to be imported."""
    with ONE_BY_ONE:
        named = os.environ.get('MPLBACKEND')
        os.environ['MPLBACKEND'] = 'agg'        # nothing is drawn by it here
        try:
            yield
        finally:
            del os.environ['MPLBACKEND']
            if named is not None:
                os.environ['MPLBACKEND'] = named


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what C++ writes to stderr; this silences Python's stderr too. One thread after the
    other does: two at once could leave it silent."""
    os.environ.setdefault('GLOG_minloglevel', '2')
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    with ONE_BY_ONE:
        sys.stderr.flush()
        terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            os.close(nowhere)
