"""Opens pages in headless Chromium, and asks them what they show."""
import html
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
SKIPPED = pytest.mark.skipif(not CHROMIUM, reason=(
    'no chromium here, so pages are not opened; to have it: apt-get install chromium, or .ci/run'))

# counted in every page: what did not load, where curves run, whether it must be scrolled sideways
COUNT = """
  const all = (what) => [...document.querySelectorAll(what)];
  const films = all('video').map(film => [film.videoWidth, film.videoHeight]);
  return {pictures: document.images.length, films,
    lost: [...document.images].filter(image => !image.naturalWidth).map(image => image.src),
    lines: all('svg polyline').map(line => line.getTotalLength()),
    wide: document.documentElement.scrollWidth - innerWidth};"""
# the answer is written where --dump-dom shows it
PROBE = """<script>addEventListener('load', () => setTimeout(async () => {
  const pause = (ms) => new Promise(done => setTimeout(done, ms));
  try { document.body.dataset.found = JSON.stringify(await (async () => {%s})()); }
  catch (error) { console.error(error); }
}, 500))</script>"""


def needs_browser(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that opens pages: `-m browser` chooses these, and all are skipped without one."""
    return pytest.mark.browser(SKIPPED(test))


def chromium(address: str, *flags: str) -> str:
    """Run Chromium on a page, which must print nothing to its console; what it writes to stdout.

    Time runs as fast as the page allows, and stands still while something is being fetched.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        done = subprocess.run(
            [str(CHROMIUM), '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
             '--no-first-run', '--disable-background-networking', '--disable-component-update',
             '--disable-sync', f'--user-data-dir={profile}', '--enable-logging=stderr',
             '--virtual-time-budget=20000', *flags, address],
            capture_output=True, text=True, timeout=120, check=True)
    said = [line for line in done.stderr.splitlines() if 'CONSOLE' in line]
    assert not said, said
    return done.stdout


def ask(path: Path, script: str = COUNT, *flags: str, width: int = 1280, height: int = 900,
        unfold: bool = False) -> Any:
    """What a script that runs in the page at `path` returns, half a second after it has loaded.

    script    the body of an async JavaScript function; `await pause(ms)` waits inside it
    unfold    open every fold and load every picture and film first
    """
    text = path.read_text(encoding='utf-8')
    if unfold:
        text = text.replace('loading="lazy"', '').replace('<details', '<details open')
        text = text.replace('preload="none"', 'preload="metadata"')
    copy = path.with_name('probed.html')
    copy.write_text(text.replace('</body>', PROBE % script + '</body>'), encoding='utf-8')
    try:
        dom = chromium(copy.as_uri(), '--dump-dom', f'--window-size={width},{height}', *flags)
    finally:
        copy.unlink()
    answer = re.search(r'data-found="([^"]*)"', dom)
    assert answer, 'the script in the page did not come to its end'
    return json.loads(html.unescape(answer[1]))


def photograph(path: Path, picture: Path, width: int = 1280, height: int = 900,
               dark: bool = False) -> np.ndarray:
    """The page at `path` as it looks: written to `picture` (PNG), and uint8 RGB (H, W, 3)."""
    chromium(path.as_uri(), f'--screenshot={picture}', f'--window-size={width},{height}',
             '--hide-scrollbars', f'--blink-settings=preferredColorScheme={0 if dark else 1}')
    return cv2.cvtColor(cv2.imread(str(picture)), cv2.COLOR_BGR2RGB)
