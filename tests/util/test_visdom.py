"""Progress is shown by visdom's own server, started here, which gets its scripts from no web site.

Without npm, or without a network while its packages are not kept yet, no server is started.
"""
import hashlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts import visdom_offline
from scripts.visdom_offline import Package
from tests.browser import chromium, needs_browser
from util import downloads
from util.errors import UserError
from util.sinks.base_sink import RunFacts
from util.sinks.visdom_sink import connect
from util.visualizer import Visualizer

LOSSES = {'G_GAN': 0.7, 'G_L1': 12.5}
NO_WAY_OUT = {name: 'http://127.0.0.1:9' for kind in ('http_proxy', 'https_proxy')
              for name in (kind, kind.upper())}


class Server:
    """A process of `python -m visdom.server`."""

    def __init__(self, folder: Path):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        self.log = folder / 'server.log'
        with open(self.log, 'w') as log:
            self.process = subprocess.Popen(
                [sys.executable, '-m', 'visdom.server', '-port', str(self.port), '-bind_local',
                 '-env_path', str(folder)], cwd=folder, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, **NO_WAY_OUT, 'PYTHONDONTWRITEBYTECODE': '1'})
        until = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def answers(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(('127.0.0.1', self.port)) == 0

    def options(self, env: str = 'main', **more: Any) -> dict[str, Any]:
        return {'display_id': 1, 'display_server': 'http://localhost', 'display_port': self.port,
                'display_env': env, 'no_html': True, **more}

    def window(self, name: str, env: str) -> dict[str, Any]:
        """What the server keeps of that window; {} where it has none."""
        client = connect('http://localhost', self.port, env)
        return json.loads(client.get_window_data(f'me_1_{name}', env) or '{}')


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a copy of visdom as pip installs it, and the files that visdom_offline.py adds."""
    try:
        visdom_offline.fetch()
    except UserError as error:
        pytest.skip(f'no visdom server here: {error} To have it: '
                    'python scripts/visdom_offline.py')
    folder = tmp_path_factory.mktemp('visdom')
    for file in files('visdom') or []:
        if file.parts[0] == 'visdom':
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), folder / file)
    visdom_offline.fill(folder / 'visdom' / 'static')
    started = Server(folder)
    yield started
    started.process.kill()
    started.process.wait()


def run_facts(folder: Path, options: dict[str, Any], continued: bool = False) -> RunFacts:
    return RunFacts('me', folder / 'me', options, {}, continued)


def trio() -> dict[str, np.ndarray]:
    return {label: np.full((32, 48, 3), (value, 80, 200), np.uint8)
            for value, label in enumerate(('real_A', 'fake_B', 'real_B'))}


def tell(show: Visualizer, epochs: int = 2) -> None:
    for epoch in range(1, epochs + 1):
        for step in (epoch * 100 + 10, epoch * 100 + 20):
            show.losses(step, epoch, LOSSES, 0.1, 0.0)
        show.pictures(epoch, step, trio())
        show.heldout(epoch, step, trio(), 0.5 / epoch)
    show.close(finished=True)


# a real server

def test_the_server_starts_without_fetching_anything(server: Server) -> None:
    log = server.log.read_text()
    assert "It's Alive!" in log
    assert 'ownloading' not in log


def test_the_server_is_given_losses_pictures_and_the_held_out_part(
        tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in NO_WAY_OUT.items():          # the machine's own server is not behind it
        monkeypatch.setenv(name, value)
    tell(Visualizer(run_facts(tmp_path, server.options('first'))))
    assert capsys.readouterr().err == ''
    lines = {line['name']: line for line in server.window('loss_over_time', 'first')
             ['content']['data']}
    assert set(lines) == set(LOSSES) and lines['G_L1']['x'] == [110, 120, 210, 220]
    assert lines['G_L1']['y'] == [12.5] * 4
    assert server.window('held-out_score', 'first')['content']['data'][0]['y'] == [0.5, 0.25]
    for name in ('images', 'held_out'):
        shown = server.window(name, 'first')['content']
        assert shown['caption'] == 'epoch 2: pose | painted | real'
        assert shown['src'].startswith('data:image/')


def test_a_continued_run_goes_on_in_its_windows_and_opens_them_on_a_new_server(
        tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    for continued, xs in ((True, [110, 120]), (True, [110, 120] * 2), (False, [110, 120])):
        tell(Visualizer(run_facts(tmp_path, server.options('again'), continued)), epochs=1)
        kept = server.window('loss_over_time', 'again')['content']['data']
        assert [line['x'] for line in kept] == [xs, xs]
    assert capsys.readouterr().err == ''


@needs_browser
def test_a_browser_shows_curves_and_pictures(tmp_path: Path, server: Server) -> None:
    tell(Visualizer(run_facts(tmp_path, server.options('seen'))))
    dom = chromium(f'http://127.0.0.1:{server.port}/env/seen', '--dump-dom',
                   '--window-size=1400,1000', '--virtual-time-budget=15000')
    assert {'me loss over time', 'me held-out score', *LOSSES} <= set(
        re.findall(r'class="(?:gtitle|legendtext)"[^>]*>([^<]*)<', dom))
    assert len(re.findall(r'<path class="js-line"[^>]* d="M[\d.,]+L', dom)) == 3
    pictures = re.findall(r'<img [^>]*alt="epoch 2: pose \| painted \| real"[^>]*>', dom)
    assert len(pictures) == 2
    for picture in pictures:
        wide, tall = map(int, re.search(r'width="(\d+)px" height="(\d+)px"', picture).groups())
        assert 700 < wide < 800 and 150 < tall < 200


@pytest.mark.skipif(not hasattr(signal, 'SIGSTOP'), reason='processes here cannot be halted')
@pytest.mark.parametrize('halted_before', [True, False])
def test_a_server_that_hangs_costs_one_line_and_hardly_any_time(
        halted_before: bool, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr('util.sinks.visdom_sink.TAKES_WITHIN', 0.3)
    facts = run_facts(tmp_path, server.options('hangs'))
    show = None if halted_before else Visualizer(facts)
    server.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        tell(show or Visualizer(facts))
        took = time.monotonic() - began
    finally:
        server.process.send_signal(signal.SIGCONT)
    told = capsys.readouterr()
    assert (told.out if halted_before else told.err).count('answered with an error') == 1
    assert len((told.out + told.err).splitlines()) == 1
    assert took < 10                        # of two minutes that it would hang for
    assert len((tmp_path / 'me/loss_log.txt').read_text().splitlines()) == 5


# its scripts

@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive of toy@1.0 in place of all packages; npm is a program that copies it."""
    archive = tmp_path / 'toy-1.0.tgz'
    with tarfile.open(archive, 'w:gz') as tar:
        for name in ('package/dist/a.js', 'package/else.js'):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b'good'))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(visdom_offline, 'PACKAGES',
                        (Package('toy@1.0', digest, {'dist/a.js': 'js/b.js'}),))
    monkeypatch.setitem(downloads.CLIENTS, 'npm', [
        sys.executable, '-c', f'import shutil; shutil.copy({str(archive)!r}, ".")'])
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path / 'cache'))
    return archive


def test_each_file_comes_to_its_place_and_the_archives_are_kept(toy: Path, tmp_path: Path) -> None:
    visdom_offline.fetch()
    toy.unlink()                                    # what is kept is not fetched again
    visdom_offline.fetch()
    visdom_offline.fill(tmp_path / 'static')
    assert {str(path.relative_to(tmp_path)): path.read_text()
            for path in (tmp_path / 'static').rglob('*') if path.is_file()} == {
        'static/js/b.js': 'good', 'static/version.built': visdom_offline.VERSION}


def test_another_archive_than_was_expected_is_not_used(toy: Path, tmp_path: Path) -> None:
    toy.write_bytes(toy.read_bytes() + b'more')
    with pytest.raises(UserError, match='toy@1.0.*checksum'):
        visdom_offline.fetch()
    assert not (tmp_path / 'cache').exists()


def test_what_npm_cannot_fetch_is_one_sentence(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(downloads.CLIENTS, 'npm', [
        sys.executable, '-c', 'import sys; print("npm error code E404"); sys.exit(1)'])
    with pytest.raises(UserError, match='npm error code E404.*Nothing was changed'):
        visdom_offline.fetch()
    monkeypatch.setitem(downloads.CLIENTS, 'npm', ['npm'])
    monkeypatch.setenv('PATH', '')
    with pytest.raises(UserError, match='not on the PATH'):
        visdom_offline.fetch()


def test_another_visdom_is_told_which_one_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visdom_offline, 'VERSION', '9.9')
    with pytest.raises(UserError, match='pip install visdom==9.9'):
        visdom_offline.main([])
