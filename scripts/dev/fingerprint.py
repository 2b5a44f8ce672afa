"""Records what the code computes today, so that a refactoring can show that it changes nothing.

    python scripts/dev/fingerprint.py --videos drawn --out before.json        before the change
    python scripts/dev/fingerprint.py --videos drawn --against before.json    after it

The exit status is 1 if anything differs. A drawn target and source are prepared once. Every model
then trains two steps in fp32 with a fixed seed and paints three frames. The record holds the
SHA-256 of all weights and painted pictures, the keys of every JSON file, and the flags and help of
every entry point. Records are comparable on one machine only: another processor rounds differently.
"""
import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENTRY_POINTS = 'preprocess', 'train', 'test', 'transfer', 'webcam'
SMALL = ('--ngf', '4', '--ndf', '4', '--netG', 'unet_128', '--display_id', '0',
         '--device', 'cpu', '--precision', 'fp32', '--seed', '1', '--max_steps', '2')
# The drawn joints are given, since a detector's own answers differ a little from run to run.
AS_TRACK = '''
import sys
import numpy as np
from pose.track import PoseTrack
known = np.load(sys.argv[1])
poses, times = known['poses'], known['times']
PoseTrack(poses, times, np.arange(len(times)), 'BODY_25', (240, 240)).save(sys.argv[2])
'''
MOST_LINES = 40
KEPT_FLAG = re.compile(r'^  (--\w+)', re.M)


def python(root: Path, *words: str) -> str:
    """What `python WORDS` prints, run in the checkout `root` with one thread."""
    alone = {**os.environ, 'OMP_NUM_THREADS': '1', 'COLUMNS': '100', 'PYTHONHASHSEED': '0'}
    done = subprocess.run([sys.executable, *words], cwd=root, env=alone, text=True,
                          capture_output=True)
    if done.returncode:
        raise SystemExit(f'python {" ".join(words)} failed:\n{done.stdout}\n{done.stderr}')
    return done.stdout


def digest_of_files(folder: Path, pattern: str) -> dict[str, str]:
    """{path below `folder`: SHA-256 of the pixels or of the tensors} of the files that match."""
    import cv2
    import torch

    found = {}
    for path in sorted(folder.rglob(pattern)):
        if path.suffix == '.pth':
            weights = torch.load(path, map_location='cpu', weights_only=True)
            data = b''.join(key.encode() + tensor.numpy().tobytes()
                            for key, tensor in weights.items())
        else:
            data = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).tobytes()
        found[str(path.relative_to(folder))] = hashlib.sha256(data).hexdigest()
    return found


def keys(value: Any, depth: int = 3) -> Any:
    """The keys of nested objects; of a list, those of its first element."""
    if isinstance(value, dict) and depth:
        return {key: keys(inner, depth - 1) for key, inner in sorted(value.items())}
    if isinstance(value, list) and value:
        return [keys(value[0], depth - 1)] if depth else []
    return type(value).__name__


def keys_of_files(folder: Path) -> dict[str, Any]:
    return {path.name: keys(json.loads(path.read_text('utf-8')))
            for path in sorted(folder.glob('*.json'))}


def flags_of(root: Path, words: list[str]) -> list[str]:
    # the flags of one model's own group show only with --model
    return sorted(set(KEPT_FLAG.findall(python(root, *words, '--help'))))


def record(root: Path, videos: Path, folder: Path) -> dict[str, Any]:
    """What the checkout at `root` computes; `folder` is for its datasets and runs."""
    me, moves = folder / 'me', folder / 'moves'
    if not (videos / 'source.mp4').is_file():
        python(root, 'scripts/make_demo_videos.py', '--out', str(videos), '--size', '240',
               '--seconds', '3', '1')
    for name, data, more in (('target', me, ['--size', '128']),
                             ('source', moves, ['--poses_only', '--retarget_to', str(me)])):
        joints = folder / f'{name}.npz'
        python(root, '-c', AS_TRACK, str(videos / f'{name}_joints.npz'), str(joints))
        python(root, 'preprocess.py', '--video', str(videos / f'{name}.mp4'), '--dataroot',
               str(data), '--detector', 'keypoints', '--keypoints', str(joints), *more)
    there = [name for name in ENTRY_POINTS if (root / f'{name}.py').is_file()]
    found: dict[str, Any] = {
        'help': {name: python(root, f'{name}.py', '--help') for name in there},
        'datasets': {data.name: {'pictures': digest_of_files(data, '*.png'),
                                 'json': keys_of_files(data)} for data in (me, moves)}}
    suffix = '_model.py'
    names = sorted(path.name.removesuffix(suffix) for path in (root / 'models').glob(f'*{suffix}'))
    for name in names:
        if name != 'base':
            found[name] = record_model(root, folder, name)
            print(name, flush=True)
    return found


def record_model(root: Path, folder: Path, name: str) -> dict[str, Any]:
    """Flags, weights, pictures and JSON keys of one model."""
    train, test = (flags_of(root, [entry, '--model', name]) for entry in ('train.py', 'test.py'))
    small = ['--no_compile']
    for flag, value in zip(SMALL[::2], SMALL[1::2]):
        small += [flag, value] if flag in train else []
    run = ['--name', name, '--checkpoints_dir', str(folder / 'runs')]
    python(root, 'train.py', '--dataroot', str(folder / 'me'), '--model', name, *run, *small)
    python(root, 'test.py', '--dataroot', str(folder / 'moves'), *run, '--num_test', '3',
           '--results_dir', str(folder / 'results'), '--device', 'cpu', '--precision', 'fp32')
    trained, painted = folder / 'runs' / name, folder / 'results' / name
    return {'flags': {'train': train, 'test': test},
            'weights': digest_of_files(trained, '*_net_*.pth'),
            'pictures': digest_of_files(painted, '*_fake_B.png'),
            'json': {**keys_of_files(trained), **keys_of_files(painted / 'latest_val')}}


def differences(before: Any, after: Any, place: str = '') -> list[str]:
    """A line for every value that differs, named by its path."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [] if before == after else [f'{place}: {str(before)[:60]} -> {str(after)[:60]}']
    lines = []
    for key in sorted(before.keys() | after.keys()):
        lines += differences(before.get(key), after.get(key), f'{place}/{key}')
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0], allow_abbrev=False)
    parser.add_argument('--root', type=Path, default=ROOT, help='the checkout that is run')
    parser.add_argument('--videos', type=Path, required=True,
                        help='the drawn videos; made if they are not there, for an encoder with '
                             'threads does not write the same bytes twice')
    parser.add_argument('--out', type=Path, help='write the record to this file')
    parser.add_argument('--against', type=Path, help='compare with this earlier record')
    opt = parser.parse_args()
    if opt.out and opt.out.exists():
        parser.error(f'--out {opt.out} is there already: name another file')
    with tempfile.TemporaryDirectory() as folder:
        found = record(opt.root.resolve(), opt.videos.resolve(), Path(folder))
    if opt.out:
        opt.out.write_text(json.dumps(found, indent=1) + '\n', 'utf-8')
    if opt.against:
        lines = differences(json.loads(opt.against.read_text('utf-8')), found)
        print('\n'.join(lines[:MOST_LINES]) or 'the same')
        print(f'{len(lines)} values differ')
        sys.exit(bool(lines))


if __name__ == '__main__':
    main()
