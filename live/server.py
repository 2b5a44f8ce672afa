"""The server of `--to http`: streams of pictures, figures and buttons, for this computer only.

    /           the page                         /obs       the picture alone, transparent around it
    /video      the painted picture, MJPEG       /skeleton  the camera's with its skeleton, MJPEG
    /figures    figures and switches, JSON       /press?key=K   POST: a key of the session

It listens on the loopback address. A stranger's web page that is open in a browser here must
neither see the camera nor press buttons: a name that is not this computer's is refused (DNS
rebinding), and so is whatever a page of another origin asks for.
"""
import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

HOST = '127.0.0.1'
OWN_NAMES = ('127.0.0.1', 'localhost', '::1')
# bytes that the kernel holds back for one slow browser: few pictures, so that it sees new ones
HELD = 1 << 16
BOUNDARY = 'the-next-picture'
# what stands between two pictures. It is sent right after a picture, as a browser shows one only
# when the next one starts; so no length can be in it
BETWEEN = f'\r\n--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n\r\n'
ENDS_WITHIN = 0.1           # s that a browser has to read the end of a stream
CLOSES_WITHIN = 2.0         # s
POLICY = ("default-src 'none'; img-src 'self' data:; connect-src 'self'; "
          "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'")


class Stream:
    """The newest JPEG for everybody who looks. `newest` is set by the sink's thread, the rest by
    the server's."""

    def __init__(self) -> None:
        self.newest: bytes | None = None
        self.watchers: set[asyncio.Event] = set()
        self.is_over = False

    @property
    def watched(self) -> bool:
        return bool(self.watchers)

    @property
    def is_bare(self) -> bool:
        """Whether somebody looks, and has nothing to see yet."""
        return self.watched and self.newest is None

    def tell(self) -> None:
        """Wake everybody who waits for a picture."""
        for is_new in self.watchers:
            is_new.set()

    def enter(self) -> asyncio.Event:
        """One more looks: the event is set for each picture. Whoever comes while others look gets
        the newest at once; for the first, that one is from long ago."""
        if not self.watchers:
            self.newest = None
        is_new = asyncio.Event()
        if self.newest is not None:
            is_new.set()
        self.watchers.add(is_new)
        return is_new

    def end(self) -> None:
        """Let everybody go."""
        self.is_over = True
        self.tell()

    def leave(self, is_new: asyncio.Event) -> None:
        self.watchers.discard(is_new)


class Server:
    """Serves from a thread of its own; `put` may be called from any.

    port     0 for any that is free; `port` is then the one it took
    pages    {path: HTML}
    streams  {path: Stream}
    figures  gives what /figures answers
    press    takes a key; whether there is one of that name
    """

    def __init__(self, port: int, pages: Mapping[str, str], streams: Mapping[str, Stream],
                 figures: Callable[[], dict[str, Any]], press: Callable[[str], bool]):
        # the reason of another session that took the port meanwhile is an OSError
        self.sockets = bind_sockets(port, HOST)
        self.port: int = self.sockets[0].getsockname()[1]
        self.streams = streams
        answers = [(path, Page, {'text': text}) for path, text in pages.items()]
        looks = [(path, Pictures, {'stream': stream}) for path, stream in streams.items()]
        self.app = Application(
            [*answers, *looks, ('/figures', Figures, {'figures': figures}),
             ('/press', Press, {'press': press})],
            log_function=lambda handler: None, default_handler_class=Nothing)
        self.loop = asyncio.new_event_loop()
        self.ended = asyncio.Event()
        self.thread = threading.Thread(target=self.run, name='http', daemon=True)
        self.thread.start()

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.serve())
        self.loop.close()

    async def serve(self) -> None:
        server = HTTPServer(self.app, max_body_size=1000)
        server.add_sockets(self.sockets)
        await self.ended.wait()
        server.stop()
        for stream in self.streams.values():
            stream.end()
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        if waiting:                     # a browser keeps the last picture of a stream that ends
            await asyncio.wait(waiting, timeout=ENDS_WITHIN)
        await server.close_all_connections()
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    def put(self, path: str, jpeg: bytes) -> None:
        """The newest picture of a stream."""
        stream = self.streams[path]
        stream.newest = jpeg
        with suppress(RuntimeError):            # the server has ended
            self.loop.call_soon_threadsafe(stream.tell)

    def close(self) -> None:
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join(CLOSES_WITHIN)


def name_of(host: str) -> str | None:
    """'localhost' of 'localhost:8090'; None for what is no address."""
    with suppress(ValueError):
        return urlsplit(f'//{host}').hostname
    return None


class Handler(RequestHandler):
    """Refuses what comes from elsewhere."""

    def prepare(self) -> None:
        if name_of(self.request.host) not in OWN_NAMES:
            raise HTTPError(403, 'this address is not of this computer')
        if not self.is_from_here():
            raise HTTPError(403, 'another web page may not use this one')

    def is_from_here(self) -> bool:
        """Whether no page of another origin asks: browsers say which one does. A link to the page,
        or an address that somebody typed, shows it to its reader alone."""
        headers = self.request.headers
        origin = headers.get('Origin')
        if origin is not None:
            return origin == f'{self.request.protocol}://{self.request.host}'
        if headers.get('Sec-Fetch-Site', 'none') in ('none', 'same-origin'):
            return True
        is_opened = headers.get('Sec-Fetch-Dest') == 'document'
        return is_opened and self.request.method == 'GET'

    def set_default_headers(self) -> None:
        self.set_header('Cache-Control', 'no-store')
        self.set_header('Content-Security-Policy', POLICY)
        self.set_header('Cross-Origin-Resource-Policy', 'same-origin')
        self.set_header('X-Content-Type-Options', 'nosniff')
        self.set_header('Referrer-Policy', 'no-referrer')

    def write_error(self, status_code: int, **about: Any) -> None:
        reason = about.get('exc_info', (None, None))[1]
        said = getattr(reason, 'log_message', None) or self._reason
        self.set_header('Content-Type', 'text/plain; charset=utf-8')
        self.finish(f'{said}\n')

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """What a browser asks wrongly is nothing for the terminal."""
        if not isinstance(error, (HTTPError, StreamClosedError)):
            super().log_exception(kind, error, trace)


class Nothing(Handler):
    def prepare(self) -> None:
        super().prepare()
        raise HTTPError(404, 'there is nothing here; the page is at /')


class Page(Handler):
    def initialize(self, text: str) -> None:
        self.text = text

    def get(self) -> None:
        self.finish(self.text)


class Figures(Handler):
    def initialize(self, figures: Callable[[], dict[str, Any]]) -> None:
        self.figures = figures

    def get(self) -> None:
        self.finish(self.figures())


class Press(Handler):
    def initialize(self, press: Callable[[str], bool]) -> None:
        self.press = press

    def post(self) -> None:
        key = self.get_query_argument('key', '', strip=False)
        if not self.press(key):
            raise HTTPError(400, 'no such key')
        self.set_status(204)


class Pictures(Handler):
    """A stream as long as somebody looks: each gets the newest picture when it has taken the one
    before."""

    def initialize(self, stream: Stream) -> None:
        self.stream = stream
        self.is_new: asyncio.Event | None = None
        self.is_gone = False

    async def get(self) -> None:
        import socket
        self.set_header('Content-Type', f'multipart/x-mixed-replace; boundary={BOUNDARY}')
        self.set_header('Connection', 'close')
        self.request.connection.stream.socket.setsockopt(       # type: ignore[union-attr]
            socket.SOL_SOCKET, socket.SO_SNDBUF, HELD)
        self.write(BETWEEN)
        is_new = self.is_new = self.stream.enter()
        try:
            await self.flush()
            while True:
                await is_new.wait()
                is_new.clear()
                if self.is_gone or self.stream.is_over:
                    break
                if self.stream.newest is not None:
                    self.write(self.stream.newest)
                    self.write(BETWEEN)
                    await self.flush()
        except StreamClosedError:
            pass
        finally:
            self.stream.leave(is_new)

    def on_connection_close(self) -> None:
        self.is_gone = True
        if self.is_new is not None:
            self.is_new.set()
