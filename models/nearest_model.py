"""nearest: the training frame whose pose is nearest, as it is or bent into the pose. No training.

pose.matching.retrieval compares poses, models.warping.bone_warp bends frames (Beier and Neely
1992).
"""
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.base_model import BaseModel
from util.errors import UserError

if TYPE_CHECKING:
    import argparse

    import numpy as np
    from torch import Tensor

    from data.base_dataset import BaseDataset
    from models.engine import Batch
    from models.live import LivePose
    from models.warping.frame_index import FrameIndex

# How much the body's place and size count. A frame that is shown as it is should be right in both,
# but only among like poses.
PLACE = {'none': 0.05, 'similarity': 0.0, 'bones': 0.0}
NOBODY = 25             # frames of whose median the picture without anybody is made


class NearestModel(BaseModel):
    """Networks: none. RUN/index holds the frames and their poses.

    chosen   {a pose's path: row of the index}, of every dataset that was given
    """

    DEFAULTS: dict[str, Any] = {'batch_size': 1}
    TRAINS = False
    PAINTS_UNTRAINED = ANY_SHAPE = True
    MINUTES = 0.0
    EXPORTED = ''
    ARTEFACTS = r'index/poses\.npz', r'index/\d+\.png'
    index: 'FrameIndex'

    @staticmethod
    def declare_options(group: 'argparse._ArgumentGroup', phase: str) -> None:
        group.add_argument('--align', default='bones', choices=list(PLACE),
                           help='none: the frame as it is; similarity: moved and scaled so that '
                                'neck and hips meet the pose; bones: bent bone by bone')
        group.add_argument('--smooth_path', type=float, nargs='?', const=1.0, default=1.0,
                           metavar='WEIGHT', help='how much jumps from frame to frame count '
                           'against nearness in pose; 0: nearness alone')

    @classmethod
    def check_saved(cls, folder: Path, epoch: str) -> None:
        from util.checkpoints import check_started
        from util.runs import missing
        check_started(folder, epoch)
        if not (folder / 'index' / 'poses.npz').is_file():
            raise missing(folder / 'index')
        if epoch != 'latest':
            raise UserError(f'--epoch {epoch}: --model nearest has no epochs. Leave --epoch out.')

    @staticmethod
    def validate_options(opt: 'argparse.Namespace') -> None:
        if opt.smooth_path < 0:
            raise UserError(f'--smooth_path {opt.smooth_path:g}: give 0 or more.')

    def build(self, opt: 'argparse.Namespace') -> None:
        self.chosen: dict[str, int] = {}

    def fit(self, dataset: 'BaseDataset', folder: Path) -> None:
        from models.warping.frame_index import FrameIndex
        self.index = FrameIndex.make(dataset, folder / 'index', self.opt.num_threads)
        self.on_dataset(dataset, fitted=True)

    def load_weights(self, folder: Path, epoch: str) -> None:
        from models.warping.frame_index import FrameIndex
        self.check_saved(folder, epoch)
        self.index = FrameIndex(folder / 'index')

    def on_dataset(self, dataset: 'BaseDataset', fitted: bool = False) -> None:
        """Choose a frame for every pose of the dataset.

        fitted   the index was made from it: near copies of a pose's own frame may not be chosen, so
                 that the result says how a new pose will look
        """
        from models.warping.selection import choose
        chosen = choose(self.index, dataset, 1, fitted, PLACE[self.opt.align],
                        self.opt.smooth_path)
        self.chosen |= {path: int(rows[0]) for path, rows in chosen.items()}

    @contextmanager
    def inference_mode(self) -> Iterator[None]:
        """One thread: the tensors are so small that threads wait for each other more than they
        help, most of all where other processes run."""
        import torch
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)

    def forward(self, batch: 'Batch', before: 'Tensor | None') -> 'Tensor':
        import numpy as np
        import torch

        from data.transforms import to_channels
        from models.tensors import resized
        from models.warping import bone_warp
        from pose.skeleton import convert, skeleton_with
        known = self.index.track
        size = batch['A'].shape[-1], batch['A'].shape[-2]
        rows = [self.chosen[path] for path in batch['A_paths']]
        pictures = [to_channels(self.index.frame(row), self.opt.output_nc) for row in rows]
        frames = self.engine.to_tensor(np.stack(pictures))
        if self.opt.align == 'none':
            return resized(frames, size)
        query = batch['joints'].cpu().numpy()
        query = convert(query, skeleton_with(query.shape[1]), known.joints)
        align = bone_warp.moved if self.opt.align == 'similarity' else bone_warp.bent
        return align(frames, torch.from_numpy(known.poses[rows]).to(frames.device),
                     torch.from_numpy(query).to(frames.device), known.joints, size)

    # -- live ----------------------------------------------------------------------------------

    def on_live(self, size: tuple[int, int], num_frames: int, network: bool) -> None:
        from models.warping.selection import LiveChoice
        self.live = LiveChoice(self.index, 1, PLACE[self.opt.align], self.opt.smooth_path)

    def on_pose(self, pose: 'LivePose') -> bool:
        from models.warping.frame_index import rescaled
        known = self.index.track
        if not pose.follows:
            self.live.restart()
        found = self.live.next(rescaled(pose.track.numbered(known.skeleton), known.size))
        self.chosen = {} if found is None else {pose.name: int(found.rows[0])}
        return found is not None

    def paint_nobody(self, batch: 'Batch') -> 'np.ndarray':
        """The median of some frames: what most of them show behind the person."""
        import numpy as np

        from data.transforms import to_channels
        from models.tensors import size_of
        from util.images import fitted
        from util.sampling import evenly_spaced
        some = evenly_spaced(len(self.index.track), NOBODY)
        median = np.median([self.index.frame(int(row)) for row in some], 0).astype(np.uint8)
        return to_channels(fitted(median, size_of(batch['A'])), self.opt.output_nc)
