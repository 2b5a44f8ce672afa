"""A page in headless Chromium that stays open, for pages whose pictures never end: it is asked,
pressed and photographed while it runs."""
import asyncio
import base64
import json
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.browser import CHROMIUM

FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync',
         '--disable-background-networking', '--disable-component-update', '--hide-scrollbars',
         '--remote-debugging-port=0', 'about:blank')


class OpenPage:
    """with OpenPage(address) as page: page.ask('document.title')

    said   what the page printed to its console
    """

    def __init__(self, address: str, width: int = 1280, height: int = 900, dark: bool = False):
        self.address = address
        self.size = width, height
        self.dark = dark
        self.said: list[str] = []
        self.loop = asyncio.new_event_loop()
        self.number = 0

    def __enter__(self) -> 'OpenPage':
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.chromium = subprocess.Popen(
            [str(CHROMIUM), f'--user-data-dir={self.folder.name}', *FLAGS],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with urllib.request.urlopen(f'http://127.0.0.1:{self.port()}/json/list',
                                    timeout=20) as answer:
            target = next(t for t in json.load(answer) if t['type'] == 'page')
        self.socket: WebSocketClientConnection = self.loop.run_until_complete(
            connected(target['webSocketDebuggerUrl']))
        self.do('Runtime.enable')
        self.do('Log.enable')
        width, height = self.size
        self.do('Emulation.setDeviceMetricsOverride', width=width, height=height,
                deviceScaleFactor=1, mobile=width < 500)
        scheme = {'name': 'prefers-color-scheme', 'value': 'dark' if self.dark else 'light'}
        self.do('Emulation.setEmulatedMedia', features=[scheme])
        self.do('Page.navigate', url=self.address)
        return self

    def port(self) -> int:
        """Where Chromium listens, which it writes into its folder."""
        told = Path(self.folder.name) / 'DevToolsActivePort'
        for _ in range(1200):
            if told.is_file() and told.read_text().count('\n'):
                return int(told.read_text().splitlines()[0])
            assert self.chromium.poll() is None, 'Chromium ended at once'
            time.sleep(0.05)
        raise AssertionError('Chromium does not listen')

    def __exit__(self, *error: object) -> None:
        self.socket.close()
        self.chromium.kill()
        self.chromium.wait()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()
        self.folder.cleanup()

    def do(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the DevTools protocol, and its result."""
        return self.loop.run_until_complete(self._do(method, params))

    async def _do(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.number += 1
        number = self.number
        await self.socket.write_message(json.dumps(
            {'id': number, 'method': method, 'params': params}))
        while True:
            read = await asyncio.wait_for(self.socket.read_message(), 30)
            assert read is not None, 'Chromium has ended'
            message = json.loads(read)
            if message.get('method') in ('Runtime.consoleAPICalled', 'Runtime.exceptionThrown',
                                         'Log.entryAdded'):
                self.said.append(json.dumps(message['params'])[:300])
            if message.get('id') == number:
                assert 'error' not in message, message['error']
                return message['result']

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        found = self.do('Runtime.evaluate', expression=expression, awaitPromise=True,
                        returnByValue=True)
        assert 'exceptionDetails' not in found, found['exceptionDetails']
        return found['result'].get('value')

    def wait_for(self, expression: str) -> None:
        """Wait until the expression is true: 40 s at most."""
        done = self.ask(f'''(async () => {{
            for (let k = 0; k < 800; k++) {{
              if (document.readyState !== "loading" && ({expression})) return true;
              await new Promise(done => setTimeout(done, 50));
            }}
            return false; }})()''')
        assert done, f'never so: {expression}'

    def press(self, key: str) -> None:
        """Press a key, as a keyboard does."""
        for kind in ('keyDown', 'keyUp'):
            self.do('Input.dispatchKeyEvent', type=kind, key=key, text=key)

    def photograph(self, path: Path) -> np.ndarray:
        """Write what is seen as PNG; uint8 RGB (H, W, 3)."""
        path.write_bytes(base64.b64decode(self.do('Page.captureScreenshot')['data']))
        return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


async def connected(address: str) -> WebSocketClientConnection:
    return await websocket_connect(address, max_message_size=1 << 26)
