"""What the drivers start from: drawn videos of 64 px, their dataset and poses, two trained runs and
their results, all made by the project itself in under a minute.

    WORLD/target.mp4 source.mp4     12 and 6 frames, and target.npz, source.npz with their joints
    WORLD/me WORLD/dancer           the target's pairs, and the source's poses fitted to it
    WORLD/runs/p WORLD/runs/b       pix2pix and body2body, trained for two steps
    WORLD/results/p, b              what they paint
"""
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.dev.faults.process import Call, Ended, run

FPS = 12
SECONDS = 1.5, 0.5      # of the target and of the source: pairs enough for train and val
SIZE = 64               # px, the smallest that the demo's dancers are drawn in
CPU = ('--device', 'cpu', '--precision', 'fp32')
QUIET = ('--no_compile', '--display_id', '0')
NETWORKS = {'p': ('--model', 'pix2pix', '--netG', 'unet_128', '--ngf', '4', '--ndf', '4'),
            'b': ('--model', 'body2body', '--ngf', '4', '--ndf', '4', '--no_vgg_loss')}
STEPS = 6               # of a training that is disturbed; it saves at every second one


@dataclass(frozen=True)
class Job:
    """An entry point at work in a trial's folder.

    needs   what is copied there from the world first
    call    (folder) -> the call
    """
    name: str
    needs: tuple[str, ...]
    call: Callable[['World', Path], Call]


@dataclass(frozen=True)
class Undisturbed:
    """What a job gives where nothing goes wrong.

    sizes    bytes of each file
    changes  of files and folders that its process makes, in order: what happens, and to which path
    """
    contents: dict[str, str]
    sizes: dict[str, int]
    seconds: float
    changes: list[str]


class World:
    """The folder that a campaign starts from; trials change copies only.

    plant        a defect that is put into every process of a trial
    undisturbed  {job: what it gives where nothing goes wrong}, once it is known
    """

    def __init__(self, folder: Path, plant: str = ''):
        self.folder, self.plant = folder, plant
        self.undisturbed: dict[str, Undisturbed] = {}

    def copy(self, root: Path, *names: str) -> None:
        """Put copies of these files and folders of the world into `root`."""
        for name in names:
            source, target = self.folder / name, root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy2(source, target)

    def setup(self, job: Job, root: Path) -> Call:
        """Fill the empty folder `root` for that job. Returns its call."""
        self.copy(root, *job.needs)
        return job.call(self, root)

    def make(self) -> None:
        """Make it, unless it is there."""
        done = self.folder / 'done'
        if done.exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.draw()
        for name in ('target', 'source'):
            self.must(self.prepared(name, self.folder))
        for name in NETWORKS:
            self.must(self.trained(name, self.folder, 2))
            self.must(self.painted(name, self.folder))
        for cache in self.folder.glob('*/.cache'):
            shutil.rmtree(cache)
        done.touch()

    def draw(self) -> None:
        import numpy as np

        from pose.track import PoseTrack
        from scripts.make_demo_videos import joints_beside, make_demo_videos
        for video in make_demo_videos(self.folder, SIZE, SECONDS, FPS):
            with np.load(joints_beside(video)) as known:
                poses, times = known['poses'], known['times']
            track = PoseTrack(poses, times, np.arange(len(times)), 'BODY_25', (SIZE, SIZE))
            track.save(video.with_suffix('.npz'))

    def must(self, call: Call) -> Ended:
        """Run a call that nothing disturbs."""
        ended = run(call, self.folder)
        if ended.status or ended.faults():
            raise SystemExit(f'{call}\n{ended.text}\nfailed without any fault: a campaign cannot '
                             f'start from here.')
        return ended

    # The calls

    def prepared(self, name: str, root: Path) -> Call:
        """preprocess.py of the target or of the source, into root/me or root/dancer."""
        given = self.folder / name
        more = ('--size', SIZE) if name == 'target' else (
            '--poses_only', '--retarget_to', root / 'me')
        dataset = root / ('me' if name == 'target' else 'dancer')
        return call('preprocess.py', '--video', f'{given}.mp4', '--dataroot', dataset,
                    '--detector', 'keypoints', '--keypoints', f'{given}.npz', *more)

    def trained(self, name: str, root: Path, steps: int = STEPS) -> Call:
        """train.py of run p or b on root/me, into root/runs."""
        return call('train.py', '--dataroot', root / 'me', '--checkpoints_dir', root / 'runs',
                    '--name', name, *NETWORKS[name], *CPU, *QUIET, '--max_steps', steps,
                    '--save_latest_freq', 2, '--print_freq', 1, '--update_html_freq', 3)

    def painted(self, name: str, root: Path, *more: object) -> Call:
        """test.py of that run on root/dancer, into root/results."""
        return call('test.py', '--dataroot', root / 'dancer', '--checkpoints_dir', root / 'runs',
                    '--name', name, '--results_dir', root / 'results', *CPU, '--metrics', 'fast',
                    *more)

    def transferred(self, name: str, root: Path) -> Call:
        """transfer.py with that run's model, all of it in `root`."""
        given = {side: f'--detector keypoints --keypoints {self.folder}/{side}.npz'
                 for side in ('target', 'source')}
        networks = NETWORKS[name]
        training = [*networks[2:], *CPU, *QUIET, '--max_steps', '4', '--save_latest_freq', '2']
        return call('transfer.py', '--target', self.folder / 'target.mp4', '--source',
                    self.folder / 'source.mp4', '--output', root / 'out.mp4', *networks[:2],
                    '--size', SIZE, '--minutes', 5, '--datasets_dir', root / 'data',
                    '--checkpoints_dir', root / 'runs', '--results_dir', root / 'results',
                    '--target_args', given['target'], '--source_args', given['source'],
                    '--train_args', ' '.join(training), '--test_args',
                    f'--metrics none {" ".join(CPU)}')


def call(script: str, *words: object) -> Call:
    return Call(script, tuple(map(str, words)))


def continued(call: Call, ended: Ended) -> Call:
    """What a user types next after that call ended: the same, or with the flag that it names."""
    if ended.status == 1 and 'Add --continue_train' in ended.text:
        return call.but('--continue_train')
    return call


JOBS = {job.name: job for job in (
    Job('preprocess', (), lambda world, root: world.prepared('target', root)),
    Job('pix2pix', ('me',), lambda world, root: world.trained('p', root)),
    Job('body2body', ('me',), lambda world, root: world.trained('b', root)),
    Job('test', ('dancer', 'runs/p'), lambda world, root: world.painted('p', root)),
    Job('transfer', (), lambda world, root: world.transferred('b', root)))}


def free_folder(folder: Path) -> Path:
    """An empty folder of that name."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder
