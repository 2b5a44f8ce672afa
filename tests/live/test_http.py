"""The page of --to http over real sockets: pictures, figures, keys, and strangers kept out."""
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import pytest

from live.controls import Controls
from live.frames import LiveFrame
from live.server import BETWEEN
from live.sinks import SINKS
from live.sinks.http import HttpSink
from tests.live.sinking import FIGURES, frame, free_port, made, number_of
from util.errors import UserError

PATHS = ['/', '/obs', '/video', '/skeleton', '/figures']


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    served = made('http', str(free_port()))
    assert isinstance(served, HttpSink)
    served.open()
    yield served
    served.close()


def until(condition: Callable[[], Any]) -> None:
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError('never so')


def asked(sink: HttpSink, path: str, method: str = 'GET',
          **headers: str) -> http.client.HTTPResponse:
    link = http.client.HTTPConnection('127.0.0.1', int(sink.argument), timeout=10)
    link.request(method, path, headers={name.replace('_', '-'): value
                                        for name, value in headers.items()})
    return link.getresponse()


def next_picture(answer: http.client.HTTPResponse) -> np.ndarray:
    """The next picture of a stream: uint8 BGR."""
    between = BETWEEN.encode()
    data = b''
    while between not in data:
        piece = answer.read1(1 << 16)
        assert piece, 'the stream has ended'
        data += piece
        if data == between:             # before the first picture
            data = b''
    jpeg, _, after = data.partition(between)
    assert not after, 'the next one was sent before this one was taken'
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


@contextmanager
def watching(sink: HttpSink, path: str = '/video') -> Iterator[http.client.HTTPResponse]:
    """A client of a stream that the server knows of."""
    before = len(sink.streams[path].watchers)
    answer = asked(sink, path)
    until(lambda: len(sink.streams[path].watchers) == before + 1)
    yield answer
    answer.close()


def test_a_stream_shows_every_picture_in_order(sink: HttpSink) -> None:
    with watching(sink) as client:
        for number in range(8):
            sink.send(frame(number), number / 10)
            assert number_of(next_picture(client)) == number


def test_several_clients_see_what_was_encoded_once(
        sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    from live.sinks import http as module
    encoded = []
    jpeg = module.jpeg
    monkeypatch.setattr(module, 'jpeg', lambda picture: encoded.append(1) or jpeg(picture))
    sink.send(frame(0), 0.0)
    assert not encoded, 'nobody looks'
    with watching(sink) as one, watching(sink) as two:
        same = frame(3)
        for tick in range(4):
            sink.send(same, tick / 10)
        assert number_of(next_picture(one)) == number_of(next_picture(two)) == 3
    assert len(encoded) == 1


def test_whoever_comes_later_sees_the_picture_that_is_frozen(sink: HttpSink) -> None:
    still = frame(5)
    for _ in range(2):
        with watching(sink) as client:
            sink.send(still, 0.0)
            assert number_of(next_picture(client)) == 5
            with watching(sink) as another:
                assert number_of(next_picture(another)) == 5
        until(lambda: not sink.streams['/video'].watched)


def test_a_slow_client_gets_the_newest_picture_and_holds_up_nobody(sink: HttpSink) -> None:
    rng = np.random.default_rng(0)
    large = rng.integers(0, 255, (600, 600, 3), np.uint8)      # its JPEG has some 300 kB

    def numbered(number: int) -> LiveFrame:
        picture = large.copy()
        picture[250:350, 250:350] = 10 + 8 * number
        return LiveFrame(frame(number).posed, picture)

    with watching(sink) as slow, watching(sink) as quick:
        for number in range(30):
            sink.send(numbered(number), number / 10)
            assert number_of(next_picture(quick)) == number
        seen = []
        while 29 not in seen:
            seen.append(number_of(next_picture(slow)))
    assert seen == sorted(set(seen)), 'in order, none twice'
    assert len(seen) < 20, 'most are left out'


def test_the_cameras_picture_is_dim_with_its_skeleton(sink: HttpSink) -> None:
    with watching(sink, '/skeleton') as client:
        sink.send(frame(1), 0.0)
        coloured = next_picture(client)
        sink.send(frame(2, nobody=True), 1.0)
        plain = next_picture(client)
    assert coloured.shape == plain.shape == (192, 128, 3)
    assert plain.std() < 2 and 90 < plain.mean() < 130
    assert np.ptp(coloured.astype(int), axis=2).max() > 100


def test_the_camera_is_drawn_ten_times_a_second_at_most(
        sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr('live.sinks.http.with_skeleton',
                        lambda posed: drawn.append(posed.captured.seq) or posed.captured.image)
    with watching(sink, '/skeleton'):
        for number in range(9):
            sink.send(frame(number), number / 32)
    assert drawn == [0, 4, 8]


def test_the_figures_come_with_the_switches(sink: HttpSink) -> None:
    sink.controls.press('f')
    with asked(sink, '/figures') as answer:
        found = json.load(answer)
    assert found == {**FIGURES, 'switches': {'frozen': False, 'flipped': True, 'recording': False,
                                             'ended': False}}


def test_a_button_presses_its_key_and_no_other(sink: HttpSink) -> None:
    for key in ('r', '%20', 's'):
        assert asked(sink, f'/press?key={key}', 'POST').status == 204
    assert sink.controls.recording and sink.controls.frozen and sink.controls.take('snapshot')
    assert asked(sink, '/press?key=x', 'POST').status == 400
    assert asked(sink, '/press', 'POST').status == 400
    assert asked(sink, '/press?key=q').status == 405
    assert not sink.controls.ended


def test_programs_read_the_stream_as_a_camera(sink: HttpSink) -> None:
    """OpenCV reads it through FFmpeg, as OBS and VLC do."""
    sending = threading.Event()

    def send() -> None:
        number = 0
        while not sending.wait(0.02):
            sink.send(frame(min(number // 20, 25)), number / 50)
            number += 1

    sender = threading.Thread(target=send)
    sender.start()
    capture = cv2.VideoCapture(f'http://127.0.0.1:{sink.argument}/video', cv2.CAP_FFMPEG)
    try:
        assert capture.isOpened()
        numbers = [number_of(capture.read()[1]) for _ in range(5)]
        assert numbers == sorted(numbers)
    finally:
        capture.release()
        sending.set()
        sender.join()


# Strangers

@pytest.mark.parametrize('headers', [
    {'Host': 'evil.example:8090'}, {'Host': '127.0.0.1.evil.example'}, {'Host': ''},
    {'Host': '[::1'},
    {'Host': 'localhost@evil.example'}, {'Origin': 'http://evil.example'}, {'Origin': 'null'},
    {'Origin': 'http://localhost:1'}, {'Sec_Fetch_Site': 'cross-site'},
    {'Sec_Fetch_Site': 'same-site'},
    {'Sec_Fetch_Site': 'cross-site', 'Sec_Fetch_Dest': 'iframe'}])
def test_a_strangers_page_sees_nothing_and_presses_nothing(
        headers: dict[str, str], sink: HttpSink) -> None:
    for path in PATHS:
        assert asked(sink, path, **headers).status in (400, 403), path
    assert asked(sink, '/press?key=q', 'POST', **headers).status in (400, 403)
    assert not sink.controls.ended


def test_a_link_elsewhere_opens_the_page_and_presses_nothing(sink: HttpSink) -> None:
    followed = {'Sec_Fetch_Site': 'cross-site', 'Sec_Fetch_Dest': 'document'}
    assert asked(sink, '/', **followed).status == 200
    assert asked(sink, '/press?key=q', 'POST', **followed).status == 403
    assert not sink.controls.ended


@pytest.mark.parametrize('name', ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]'])
def test_this_computers_own_names_are_let_in(name: str, sink: HttpSink) -> None:
    host = f'{name}:{sink.argument}'
    own = f'http://{host}'
    assert asked(sink, '/', Host=host).status == 200
    assert asked(sink, '/press?key=f', 'POST', Host=host, Origin=own,
                 Sec_Fetch_Site='same-origin').status == 204
    assert sink.controls.flipped


def test_no_page_may_frame_it_or_read_its_pictures(sink: HttpSink) -> None:
    for path in PATHS:
        answer = asked(sink, path)
        assert "frame-ancestors 'none'" in answer.headers['Content-Security-Policy']
        assert answer.headers['Cross-Origin-Resource-Policy'] == 'same-origin'
        assert 'Access-Control-Allow-Origin' not in answer.headers


def test_it_listens_on_the_loopback_address_alone(sink: HttpSink) -> None:
    assert sink.server is not None
    assert {taken.getsockname()[0] for taken in sink.server.sockets} == {'127.0.0.1'}


# The port

@pytest.mark.parametrize('text', ['x', '0', '-1', '65536', '80:90', '٣'])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=f'--to http:{text}: a port is a number from 1 to 65535'):
        SINKS.find('http').check(text)


def test_a_port_in_use_is_refused_before_anything_is_loaded(sink: HttpSink) -> None:
    for call in (lambda: HttpSink.check(sink.argument), made('http', sink.argument).open):
        with pytest.raises(UserError, match='another program uses this port. Give another one'):
            call()


def test_it_closes_while_clients_look_and_the_port_is_free_again(sink: HttpSink) -> None:
    with watching(sink) as client, watching(sink, '/skeleton'):
        sink.send(frame(0), 0.0)
        next_picture(client)
        sink.close()
        assert client.read() == b''
    HttpSink.check(sink.argument)
    again = made('http', sink.argument, Controls())
    again.open()
    again.close()


def test_a_client_that_reads_nothing_does_not_keep_it_open(sink: HttpSink) -> None:
    stuck = socket.create_connection(('127.0.0.1', int(sink.argument)))
    stuck.sendall(b'GET /video HTTP/1.1\r\nHost: localhost\r\n\r\n')
    until(lambda: sink.streams['/video'].watched)
    rng = np.random.default_rng(0)
    for number in range(20):
        noise = rng.integers(0, 255, (600, 600, 3), np.uint8)
        sink.send(LiveFrame(frame(number).posed, noise), number / 10)
    server = sink.server
    assert server is not None
    sink.close()
    assert not server.thread.is_alive()
    stuck.close()
