"""A live view in a visdom server, if one is running."""
import logging
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from util.errors import UserError
from util.sinks.base_sink import RunFacts, Sink
from util.web.page import LABELS

if TYPE_CHECKING:
    from util.sinks.base_sink import Pictures

ANSWERS_WITHIN = 1.0        # seconds to find out whether a server is running
TAKES_WITHIN = 3.0          # seconds a server has for one message before it counts as gone


class VisdomSink(Sink):
    """Windows DISPLAY_ID_... in environment DISPLAY_ENV: losses, images, held-out images."""
    name = 'visdom'

    @staticmethod
    def WHEN(run: RunFacts) -> bool:
        trains = run.options.get('max_minutes') != 0        # else there is nothing to watch
        return trains and run.options.get('display_id', 1) > 0

    def __init__(self, run: RunFacts):
        super().__init__(run)
        options = run.options
        self.columns = options.get('display_ncols', 4)
        self.width = options.get('display_winsize', 256)
        self.view = connect(options.get('display_server', 'http://localhost'),
                            options.get('display_port', 8097), options.get('display_env', 'main'))
        self.drawn: set[str] = set()

    def losses(self, step: int, epoch: int, losses: Mapping[str, float], seconds: float,
               data_seconds: float, iters: int | None = None) -> None:
        self.curve('loss over time', 'loss', step, losses)

    def pictures(self, epoch: int, step: int, pictures: 'Pictures') -> None:
        self.show('images', f'epoch {epoch}', pictures)

    def heldout(self, epoch: int, step: int, pictures: 'Pictures', score: float | None) -> None:
        self.show('held out', f'epoch {epoch}', pictures)
        if score is not None:
            self.curve('held-out score', 'score', step, {'score': score})

    def curve(self, what: str, unit: str, step: int, values: Mapping[str, float]) -> None:
        """Add one point to each line of a window."""
        import numpy as np
        y = np.array([list(values.values())], dtype=float)
        known = self.run.continued or what in self.drawn
        self.drawn.add(what)
        self.view.line(X=np.full_like(y, step), Y=y, win=self.window(what),
                       update='append' if known else None,
                       opts={'title': f'{self.run.name} {what}', 'legend': list(values),
                             'xlabel': 'images', 'ylabel': unit})

    def show(self, what: str, when: str, pictures: 'Pictures') -> None:
        """All images in one window, or with --display_ncols 0 each in its own."""
        import numpy as np
        words = [LABELS.get(label, label) for label in pictures]
        if not pictures:
            return
        if self.columns > 0:
            columns = min(self.columns, len(words))
            tall, wide = next(iter(pictures.values())).shape[:2]
            rows = -(-len(words) // columns)
            room = 45                   # px for two lines of caption
            size = {'width': columns * self.width,
                    'height': rows * round(self.width * tall / wide) + room}
            self.view.images(np.stack([p.transpose(2, 0, 1) for p in pictures.values()]),
                             nrow=columns, win=self.window(what),
                             opts={'title': f'{self.run.name} {what}', **size,
                                   'caption': f'{when}: {" | ".join(words)}'})
            return
        for word, picture in zip(words, pictures.values(), strict=True):
            self.view.image(picture.transpose(2, 0, 1), win=self.window(f'{what} {word}'),
                            opts={'title': f'{self.run.name} {what}: {word}', 'caption': when,
                                  'width': self.width})

    def window(self, what: str) -> str:
        return f'{self.run.name}_{self.run.options.get("display_id", 1)}_{what}'.replace(' ', '_')


def connect(server: str, port: int, env: str) -> Any:
    """A visdom client with a time limit for every message, which raises what fails.

    UserError where no server answers.
    """
    address = urlsplit(server if '//' in server else f'http://{server}')
    host = address.hostname or 'localhost'
    try:
        socket.create_connection((host, port), ANSWERS_WITHIN).close()
    except OSError:
        other = '' if port == 8097 else f' -port {port}'
        # by default visdom's server listens to the whole network, without a password
        other = f' -bind_local{other}' if host in ('localhost', '127.0.0.1', '::1') else other
        raise UserError(f'visdom is off: no server answers at {server}:{port}. To watch live, run '
                        f'python -m visdom.server{other} first.') from None
    logging.getLogger('visdom').setLevel(logging.ERROR)
    from requests import RequestException, Session
    from visdom import Visdom

    session = Session()
    session.trust_env = False       # the server was just reached without a proxy

    class Client(Visdom):
        def _handle_post(self, url: str, data: Any = None) -> str:
            # visdom itself prints what requests raises, and goes on
            try:
                answer = session.post(url, data=data or {}, timeout=TAKES_WITHIN)
                answer.raise_for_status()
            except RequestException as error:
                raise UserError(f'the visdom server at {server}:{port} answered with an error '
                                f'({type(error).__name__})') from error
            return answer.text

    return Client(server=server, port=port, env=env, raise_exceptions=True,
                  use_incoming_socket=False)
