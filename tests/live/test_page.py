"""The page of --to http in headless Chromium: what it shows, and what its buttons and keys do."""
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from live.controls import KEYS
from live.sinks.http import HttpSink
from tests.browser import needs_browser
from tests.devtools import OpenPage
from tests.live.sinking import FIGURES, frame, free_port, made

SHOWN = ('document.getElementById("picture").naturalWidth > 0 && '
         'document.getElementById("skeleton").naturalWidth > 0 && '
         'document.getElementById("figures").rows.length > 4')
STATE = 'document.getElementById("state").textContent'


class Serving:
    """A sink that is sent the same picture at a rate, as a session does."""

    def __init__(self, port: int, grey: int):
        sink = made('http', str(port), figures=lambda: FIGURES)
        assert isinstance(sink, HttpSink)
        self.sink = sink
        self.sink.open()
        self.grey = grey
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.send)
        self.thread.start()

    def send(self) -> None:
        same = frame(self.grey)
        while not self.is_over.wait(0.02):
            self.sink.send(same, time.monotonic())

    def close(self) -> None:
        self.is_over.set()
        self.thread.join()
        self.sink.close()


@pytest.fixture
def serving() -> Iterator[Serving]:
    served = Serving(free_port(), 20)
    yield served
    served.close()


def address(serving: Serving, path: str = '/') -> str:
    return f'http://127.0.0.1:{serving.sink.argument}{path}'


def middle(page: OpenPage, folder: Path) -> np.ndarray:
    """The colour that is seen in the middle of the painted picture."""
    seen = page.photograph(folder / 'seen.png')
    x, y = page.ask('''(() => { const box = document.getElementById("picture")
        .getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2]; })()''')
    return seen[int(y), int(x)]


@needs_browser
@pytest.mark.parametrize('width, dark', [(1280, False), (1280, True), (390, False)])
def test_the_page_shows_picture_skeleton_figures_and_buttons(
        width: int, dark: bool, serving: Serving, tmp_path: Path) -> None:
    with OpenPage(address(serving), width=width, dark=dark) as page:
        page.wait_for(SHOWN)
        assert np.abs(middle(page, tmp_path).astype(int) - 170).max() < 8
        ground = page.photograph(tmp_path / 'page.png')[3, 3].mean()
        assert ground < 60 if dark else ground > 200
        assert page.ask('document.documentElement.scrollWidth <= innerWidth')
        text = page.ask('document.body.innerText')
        for part in ('13 a second', '121 ms; 95 % under 164 ms', 'capture 211', '812 MB',
                     'medium: 256 px', '1:23', 'live', *KEYS.values()):
            assert part in text, part
        assert page.said == []


@needs_browser
def test_buttons_and_keys_of_the_page_do_what_those_of_the_window_do(serving: Serving) -> None:
    controls = serving.sink.controls
    pressed = ('document.querySelector("[data-key=r]").ariaPressed === "%s" && ' + STATE +
               ' === "%s"')
    with OpenPage(address(serving)) as page:
        page.wait_for(SHOWN)
        page.ask('document.querySelector("[data-key=r]").click()')
        page.wait_for(pressed % ('true', 'recording'))
        assert controls.recording
        page.press('R')
        page.wait_for(pressed % ('false', 'live'))
        page.press(' ')
        page.wait_for(f'{STATE} === "frozen"')
        page.press('f')
        page.wait_for('document.getElementById("picture").classList.contains("flipped")')
        assert controls.frozen and controls.flipped
        page.press('x')
        page.ask('dispatchEvent(new KeyboardEvent("keydown", {key: "s", ctrlKey: true}))')
        page.press('q')
        page.wait_for(f'{STATE} === "ending"')
        assert controls.ended
        assert not controls.take('snapshot'), 'that key was the browser\'s'
        assert page.said == []


@needs_browser
def test_the_page_says_when_the_session_ends_and_goes_on_with_the_next(tmp_path: Path) -> None:
    first = Serving(free_port(), 20)
    with OpenPage(address(first)) as page:
        page.wait_for(SHOWN)
        first.close()
        page.wait_for(f'{STATE} === "webcam.py has ended"')
        assert page.ask('document.querySelector("[data-key=q]").disabled')
        assert page.ask('document.getElementById("picture").naturalWidth'), 'the last one stays'
        second = Serving(int(first.sink.argument), 5)
        try:
            page.wait_for(f'{STATE} === "live" && {SHOWN}')
            assert np.abs(middle(page, tmp_path).astype(int) - 50).max() < 8
        finally:
            second.close()


@needs_browser
def test_the_page_for_obs_is_the_picture_alone_on_nothing(
        serving: Serving, tmp_path: Path) -> None:
    with OpenPage(address(serving, '/obs'), width=800, height=400) as page:
        page.do('Emulation.setDefaultBackgroundColorOverride',
                color={'r': 0, 'g': 255, 'b': 0, 'a': 1})
        page.wait_for('document.getElementById("picture").naturalWidth > 0')
        seen = page.photograph(tmp_path / 'obs.png')
        assert np.abs(seen[200, 400].astype(int) - 170).max() < 8
        assert (seen[:, :200] == (0, 255, 0)).all() and (seen[:, 600:] == (0, 255, 0)).all()
        page.press('q')
        assert not serving.sink.controls.ended
        assert page.said == []


@needs_browser
def test_a_page_of_another_origin_neither_sees_nor_presses(
        serving: Serving, tmp_path: Path) -> None:
    stranger = tmp_path / 'stranger.html'
    stranger.write_text('<img id=eye>')
    with OpenPage(stranger.as_uri()) as page:
        page.wait_for('document.getElementById("eye")')
        seen = page.ask(f'''new Promise(done => {{ const eye = document.getElementById("eye");
            eye.onload = () => done("seen"); eye.onerror = () => done("refused");
            eye.src = "{address(serving, '/video')}"; }})''')
        assert seen == 'refused'
        page.ask(f'''fetch("{address(serving, '/press?key=q')}", {{method: "POST",
            mode: "no-cors"}}).catch(() => 0).then(() => 1)''')
        assert not serving.sink.controls.ended
