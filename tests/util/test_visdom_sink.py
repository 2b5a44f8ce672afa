"""visdom is sent everything where it answers, and costs the run nothing where it does not."""
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.util.test_sinks import LOSSES, run_facts, trio
from util.visualizer import Visualizer


class StandIn(ThreadingHTTPServer):
    """Answers as a visdom server does, and keeps what it was sent."""
    daemon_threads = True

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.delay = 0.0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                self.server.posts.append((self.path, body))         # type: ignore
                time.sleep(self.server.delay)                       # type: ignore
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'true' if 'exists' in self.path else b'ok')

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(('127.0.0.1', 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        pass                    # a client that is gone

    def options(self, **more: Any) -> dict[str, Any]:
        return {'display_id': 1, 'display_server': 'http://127.0.0.1',
                'display_port': self.server_port, **more}


@pytest.fixture
def server() -> Iterator[StandIn]:
    stand_in = StandIn()
    yield stand_in
    stand_in.shutdown()
    stand_in.server_close()


def test_without_a_visdom_server_one_line_says_how_to_start_it(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    show = Visualizer(run_facts(tmp_path, display_id=1, display_server='http://127.0.0.1',
                                display_port=port))
    show.losses(1, 1, LOSSES, 0.1, 0.0)
    show.close(finished=True)
    assert time.monotonic() - began < 4
    told = capsys.readouterr()
    assert told.err == '' and len(told.out.splitlines()) == 1
    assert f'python -m visdom.server -bind_local -port {port}' in told.out
    assert 'G_L1' in (tmp_path / 'me/loss_log.txt').read_text()


def test_visdom_is_sent_losses_pictures_and_the_held_out_part(
        tmp_path: Path, server: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    show = Visualizer(run_facts(tmp_path, **server.options(display_env='here')))
    show.losses(100, 1, LOSSES, 0.1, 0.0)
    show.losses(200, 1, LOSSES, 0.1, 0.0)
    show.pictures(1, 200, trio())
    show.heldout(1, 200, trio(), 0.5)
    show.close(finished=True)
    assert capsys.readouterr().err == ''
    windows = {body['win'] for path, body in server.posts if path in ('/events', '/update')}
    assert windows == {'me_1_loss_over_time', 'me_1_images', 'me_1_held_out',
                       'me_1_held-out_score'}
    assert all(body['eid'] == 'here' for _, body in server.posts)
    appended = [body for path, body in server.posts if path == '/update']
    assert [trace['x'] for trace in appended[0]['data']] == [[200], [200]]


def test_a_visdom_server_that_dies_costs_one_warning(
        tmp_path: Path, server: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    show = Visualizer(run_facts(tmp_path, **server.options()))
    show.losses(1, 1, LOSSES, 0.1, 0.0)
    time.sleep(0.3)
    server.shutdown()
    server.server_close()
    for step in range(2, 6):
        show.losses(step, 1, LOSSES, 0.1, 0.0)
    show.close(finished=True)
    told = capsys.readouterr()
    assert told.out == '' and len(told.err.splitlines()) == 1 and 'visdom: dropped' in told.err
    assert len((tmp_path / 'me/loss_log.txt').read_text().splitlines()) == 6


def test_a_visdom_server_that_hangs_does_not_hold_up_the_run(
        tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr('util.sinks.visdom_sink.TAKES_WITHIN', 2.0)
    show = Visualizer(run_facts(tmp_path, **server.options()))
    server.delay = 20.0
    began = time.monotonic()
    show.losses(1, 1, LOSSES, 0.1, 0.0)
    assert capsys.readouterr().err == '', 'the run waited until the server was given up'
    show.close(finished=True)
    assert time.monotonic() - began < server.delay / 2
    assert 'visdom: dropped' in capsys.readouterr().err


def test_each_picture_has_a_window_of_its_own_without_columns(tmp_path: Path,
                                                              server: StandIn) -> None:
    show = Visualizer(run_facts(tmp_path, **server.options(display_ncols=0)))
    show.pictures(1, 200, trio())
    show.close(finished=True)
    assert {body['win'] for path, body in server.posts if path == '/events'} == {
        'me_1_images_pose', 'me_1_images_painted', 'me_1_images_real'}
