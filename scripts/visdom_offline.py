"""Installs the scripts of visdom's page, so that its server starts without the internet.

    python scripts/visdom_offline.py
    python -m visdom.server -bind_local

At its first start that server downloads them from several web sites; if it cannot, it ends with an
error or shows an empty page. The same files are in packages of the npm registry;
visdom/server/build.py of visdom 0.2.4 says which file comes from which package. The packages'
archives, 25 MB, are kept in ~/.cache/body2body, or in the folder that BODY2BODY_WEIGHTS names.
"""
import argparse
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from options.parser import Parser
from util.downloads import CLIENTS, weights_folder
from util.errors import UserError, run_main, say
from util.files import atomic, write_text

VERSION = '0.2.4'               # of visdom: other versions need other files


@dataclass(frozen=True)
class Package:
    """An npm package.

    name      NAME@VERSION
    sha256    of its archive
    files     {path in the package: path in visdom's folder static/}
    """
    name: str
    sha256: str
    files: dict[str, str]

    @property
    def archive(self) -> str:
        """The file name that `npm pack` gives it."""
        return f'{self.name.replace("@", "-")}.tgz'


ICONS = 'glyphicons-halflings-regular'
MATHJAX = ('MathJax.js', 'config/Safe.js', 'config/TeX-AMS-MML_HTMLorMML.js', 'extensions/Safe.js',
           'jax/output/SVG/config.js', 'jax/output/SVG/jax.js',
           'jax/output/SVG/fonts/TeX/fontdata.js',
           'jax/output/SVG/fonts/TeX/Size1/Regular/Main.js')
PACKAGES = (
    Package('jquery@3.1.1', '1edfdafd71f26e2730a2029f5c4971598f55f57627fd17c3410914aed2293821',
            {'dist/jquery.min.js': 'js/jquery.min.js'}),
    Package('bootstrap@3.3.7', 'a9de9f9d74b46743821bda60e5f81233c7a2dc83ad4db60d0c0e396dc255fc2a',
            {'dist/js/bootstrap.min.js': 'js/bootstrap.min.js',
             'dist/css/bootstrap.min.css': 'css/bootstrap.min.css',
             **{f'dist/fonts/{ICONS}.{kind}': f'fonts/{ICONS}.{kind}'
                for kind in ('eot', 'woff2', 'woff', 'ttf')},
             # visdom keeps the fragment of the URL in the file name
             f'dist/fonts/{ICONS}.svg': f'fonts/{ICONS}.svg#glyphicons_halflingsregular'}),
    Package('react@16.2.0', 'c0d1fc3e4157e03898012d3bd6360879a58f1178ab839859a15433aa60ed5499',
            {'umd/react.production.min.js': 'js/react-react.min.js'}),
    Package('react-dom@16.2.0', '6596694ba625de26e265c4ae5b7a5f568022568573a05bbdb2659792bcc101b6',
            {'umd/react-dom.production.min.js': 'js/react-dom.min.js'}),
    Package('react-modal@3.1.10',
            'd656a396f68e2a9b2329087840ea005e5da0408410dd8064e1c30ffeaa9d5133',
            {'dist/react-modal.min.js': 'js/react-modal.min.js'}),
    Package('react-resizable@1.4.6',
            '8855b10f7961dfce72bb032575769b40581a61aa716d0f5d426c4d5e184aa622',
            {'css/styles.css': 'css/react-resizable-styles.css'}),
    Package('react-grid-layout@0.16.3',
            'b57981208742e5be47a4aa761194103d5c0e3ddd473d7fd8989c608dd9345550',
            {'css/styles.css': 'css/react-grid-layout-styles.css'}),
    Package('layout-bin-packer@1.4.0',
            'f5d72447b16e3a912c5001bbda3b7308dfc48749882c8ff4ce8fc0c265176f7a',
            {'dist/layout-bin-packer.js': 'js/layout_bin_packer.js',
             'dist/layout-bin-packer.js.map': 'js/layout-bin-packer.js.map'}),
    Package('plotly.js-dist-min@2.11.1',
            '25f1ca783c4e71e01c96031fc85ab114aebf931ba563d250d1ec59421cb79113',
            {'plotly.min.js': 'js/plotly-plotly.min.js'}),
    Package('d3@3.5.17', 'da49ebf01f88a039c748eb4aa682fec45672f7c2abca3b363633b8f835065b35',
            {'d3.min.js': 'js/d3.v3.min.js'}),
    Package('d3-selection-multi@1.0.1',
            '449fab3b22583c83882bb326857c0be04321cd087162ec1bfe872214bd0b9827',
            {'build/d3-selection-multi.js': 'js/d3-selection-multi.v1.js'}),
    Package('save-svg-as-png@1.4.17',
            '639bdcaeb3e945de6282670b88a5d058605431aca7d6890661227c6f7cc3f55a',
            {'lib/saveSvgAsPng.js': 'js/saveSvgAsPng.js'}),
    Package('sjcl@1.0.7', '9fe881f59d05151dd4e38e4eca65821e773f1f8a7eb01f6fdb819008b0ce544e',
            {'sjcl.js': 'js/sjcl.js'}),
    Package('classnames@2.2.5', '38c83d48c787e08af4e79e591bb4e3b519e84c492507b16d593a98f576ea8959',
            {'index.js': 'fonts/classnames'}),      # visdom itself puts it there
    Package('mathjax@2.7.5', '7fc8acc02a4930cdc59983ba4003686208af39fc855245fa8ae8d4b27fab781b',
            {path: f'js/mathjax/2.7.5/{path}' for path in MATHJAX}),
)


def kept_in() -> Path:
    """The folder of the archives; it need not exist."""
    return weights_folder() / 'visdom'


def fetch() -> None:
    """Download the archives that are not in `kept_in()`.

    UserError: no npm, no network, or a wrong checksum. Nothing is left half-written.
    """
    missing = [p for p in PACKAGES if not is_whole(kept_in() / p.archive, p)]
    if not missing:
        return
    npm = shutil.which(CLIENTS['npm'][0])
    if npm is None:
        raise UserError('the scripts of visdom are downloaded with npm, which is not on the PATH. '
                        'Install Node.js, which contains npm, and give the same command again.')
    say(f'fetching {len(missing)} packages of visdom\'s page ...')
    with tempfile.TemporaryDirectory(prefix='body2body-') as folder:
        done = subprocess.run(
            [npm, *CLIENTS['npm'][1:], '--fetch-timeout', '30000', *(p.name for p in missing)],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors='replace')
        if done.returncode:
            reasons = [line for line in done.stdout.splitlines() if line.startswith('npm ')]
            reason = reasons[0] if reasons else f'exit status {done.returncode}'
            raise UserError(f'npm could not fetch the packages of visdom\'s page ({reason}). Is '
                            f'there a network? Nothing was changed; try again.')
        for package in missing:
            arrived = Path(folder) / package.archive
            if not is_whole(arrived, package):
                raise UserError(f'{package.name}: the archive from npm has a wrong checksum, so it '
                                f'is not used. Nothing was changed; try again.')
            with atomic(kept_in() / package.archive) as part:
                shutil.copyfile(arrived, part)


def is_whole(archive: Path, package: Package) -> bool:
    """Whether that archive is there with the right checksum."""
    return archive.is_file() and \
        hashlib.sha256(archive.read_bytes()).hexdigest() == package.sha256


def fill(static: Path) -> None:
    """Unpack every file of the kept archives into `static`, visdom's folder of that name."""
    for package in PACKAGES:
        with tarfile.open(kept_in() / package.archive) as tar:
            wanted = dict(package.files)
            for member in tar:
                # each package has one top folder, whose name differs
                place = wanted.pop(member.name.partition('/')[2], None)
                source = tar.extractfile(member) if place else None
                if place and source:
                    with atomic(static / place) as part:
                        part.write_bytes(source.read())
                if not wanted:
                    break
            assert not wanted, f'{package.name} has no {", ".join(wanted)}'
    write_text(static / 'version.built', VERSION)       # or the server downloads them itself


def visdom_folder() -> Path:
    """The folder of the installed visdom; UserError where it is missing or of another version."""
    found = importlib.util.find_spec('visdom')
    if found is None or found.origin is None:
        raise UserError(f'visdom is not installed. Type: pip install visdom=={VERSION}')
    folder = Path(found.origin).parent
    version = (folder / 'VERSION').read_text(encoding='utf-8').strip()
    if version != VERSION:
        raise UserError(f'visdom {version} is installed, but these files are for {VERSION}. Type: '
                        f'pip install visdom=={VERSION}')
    return folder


def main(argv: list[str] | None = None) -> None:
    Parser(__doc__, formatter=argparse.RawDescriptionHelpFormatter).read(argv)
    folder = visdom_folder()
    fetch()
    fill(folder / 'static')
    say(f'visdom {VERSION} has all its files in {folder / "static"}. To start it, type '
        f'python -m visdom.server -bind_local')


if __name__ == '__main__':
    run_main(main)
