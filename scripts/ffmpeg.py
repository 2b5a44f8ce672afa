"""Runs ffmpeg: the one on the PATH, else the one of the imageio-ffmpeg package.

    python scripts/ffmpeg.py -i in.mov out.mp4

Arguments, output and exit status are ffmpeg's own.
"""
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from util.errors import UserError, run_main


def ffmpeg_path() -> str:
    """The ffmpeg to run; UserError when there is none."""
    found = shutil.which('ffmpeg')
    if found:
        return found
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
        return get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise UserError('there is no ffmpeg on the PATH, and the package that contains one is '
                        'missing. Type: pip install imageio-ffmpeg') from error


def main() -> None:
    sys.exit(subprocess.run([ffmpeg_path(), *sys.argv[1:]], check=False).returncode)


if __name__ == '__main__':
    run_main(main)
