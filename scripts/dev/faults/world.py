"""What the drivers start from: drawn videos of 64 px, their dataset and poses, two trained runs and
their results, all made by the project itself in under a minute.

    WORLD/target.mp4 source.mp4     12 and 6 frames, and target.npz, source.npz with their joints
    WORLD/me WORLD/dancer           the target's pairs, and the source's poses fitted to it
    WORLD/scened                    the source's poses with the scene behind them
    WORLD/pair.mp4 pair/*.json      the source twice, next to itself, and the joints of both
    WORLD/runs/p WORLD/runs/b       pix2pix and body2body, trained for two steps
    WORLD/results/p, b              what they paint
"""
import json
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
    call    (world, folder) -> the call
    varies  a regular expression of files that depend on how fast the machine is: they are whole,
            but not the same each time
    keeps   what the same command says where its result is there and stays: it is no failure
    """
    name: str
    needs: tuple[str, ...]
    call: Callable[['World', Path], Call]
    varies: str = ''
    keeps: str = ''


@dataclass(frozen=True)
class Undisturbed:
    """What a job gives where nothing goes wrong.

    sizes    bytes of each file
    changes  of files and folders that its process makes, in order: what happens, and to which path
    varies, keeps   as of the job
    """
    contents: dict[str, str]
    sizes: dict[str, int]
    seconds: float
    changes: list[str]
    varies: str = ''
    keeps: str = ''


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
        self.must(self.with_scene(self.folder))
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
        draw_pair(self.folder)

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

    def with_scene(self, root: Path) -> Call:
        """preprocess.py of the source with the scene behind the dancer, into root/scened."""
        return self.prepared('source', root).but('--dataroot', root / 'scened', '--keep_scene')

    def transferred(self, name: str, root: Path, *more: object) -> Call:
        """transfer.py with that run's model, all of it in `root`."""
        networks = NETWORKS[name]
        training = [*networks[2:], *CPU, *QUIET, '--max_steps', '4', '--save_latest_freq', '2']
        return call('transfer.py', '--target', self.folder / 'target.mp4', '--source',
                    self.folder / 'source.mp4', '--output', root / 'out.mp4', *networks[:2],
                    '--size', SIZE, '--minutes', 5, '--datasets_dir', root / 'data',
                    '--checkpoints_dir', root / 'runs', '--results_dir', root / 'results',
                    '--target_args', self.joints('target.npz'),
                    '--source_args', self.joints('source.npz'),
                    '--train_args', ' '.join(training), '--test_args',
                    f'--metrics none {" ".join(CPU)}', *more)

    def people(self, root: Path) -> Call:
        """transfer.py of two people, both of them the target, into one film."""
        target = self.folder / 'target.mp4'
        return self.transferred('b', root, '--target', target, target, '--name', 'me', 'me',
                                '--source', self.folder / 'pair.mp4', '--people', '2,1',
                                '--source_args', self.joints('pair'))

    def joints(self, name: str) -> str:
        return f'--detector keypoints --keypoints {self.folder / name}'

    def filmed(self, root: Path) -> Call:
        """webcam.py with the source in the place of a camera."""
        return call('webcam.py', '--name', 'b', '--checkpoints_dir', root / 'runs', '--camera',
                    self.folder / 'source.mp4', '--to', root / 'film.mp4', '--quality', 'least',
                    '--results_dir', root / 'results', *CPU)

    def example(self, root: Path) -> Call:
        """scripts/examples.py of one that needs the dancers, who are there."""
        for name, place in (('me', 'datasets/demo'), ('dancer', 'datasets/source_as_demo'),
                            ('runs/b', 'checkpoints/demo'),
                            ('source.mp4', 'datasets/demo_videos/source.mp4')):
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / name).rename(root / place)
        (root / 'runs').rmdir()
        return call('scripts/examples.py', 'nearest')


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
    Job('transfer', (), lambda world, root: world.transferred('b', root)),
    Job('scene', ('me',), lambda world, root: world.with_scene(root)),
    Job('in scene', ('scened', 'runs/b'), lambda world, root: world.painted('b', root).but(
        '--dataroot', root / 'scened', '--background', 'source')),
    Job('transfer in scene', (), lambda world, root: world.transferred(
        'b', root, '--background', 'source')),
    Job('people', (), lambda world, root: world.people(root)),
    Job('export', ('me', 'runs/p'), lambda world, root: call(
        'scripts/export.py', '--name', 'p', '--checkpoints_dir', root / 'runs', *CPU)),
    # a session that was stopped leaves a whole film, and of two at once each keeps its own one
    Job('webcam', ('runs/b',), lambda world, root: world.filmed(root), r'film(-2)?\.mp4',
        'a recording replaces nothing'),
    Job('example', ('me', 'dancer', 'runs/b', 'source.mp4'),
        lambda world, root: world.example(root)))}


def draw_pair(folder: Path) -> None:
    """The source twice, next to itself: folder/pair.mp4, and pair/ with the joints of both."""
    import numpy as np

    from pose.track import PoseTrack
    from util.video import read_frames
    from util.video_writer import VideoWriter
    track = PoseTrack.load(folder / 'source.npz')
    (folder / 'pair').mkdir()
    with VideoWriter(folder / 'pair.mp4', fps=FPS) as video:
        for number, frame in enumerate(read_frames(folder / 'source.mp4')):
            video.write(np.hstack([frame.image, frame.image]))
            people = [{'pose_keypoints_2d': (track.poses[number] + (shift, 0, 0)).ravel().tolist()}
                      for shift in (0, frame.image.shape[1])]
            (folder / f'pair/{number:012}_keypoints.json').write_text(
                json.dumps({'version': 1.3, 'people': people}))


def free_folder(folder: Path) -> Path:
    """An empty folder of that name."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder
