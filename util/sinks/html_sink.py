"""The run's web page: CHECKPOINTS_DIR/NAME/web/index.html, which opens from disk.

Every event goes to web/history.jsonl, one a line, and the page is drawn from these events; a
resumed run reads them back. Neither the memory nor the work of one update grows with the run:
curves are averaged to a fixed number of points, the film of the held-out pose is thinned to a
fixed number of images, and older epochs move, GROUP at a time, to pages that are written once
and then forgotten.
"""
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dominate import tags
from dominate.util import raw

from util.files import append_line, write_text
from util.images import size_of, write_image
from util.noted import remove
from util.sinks.base_sink import RunFacts, Sink
from util.sinks.history import read_events
from util.web.charts import Point, curves_svg, smoothed
from util.web.page import facts_table, figure_row, fold, page, render, script, take_apart

if TYPE_CHECKING:
    import numpy as np

    from util.sinks.base_sink import Pictures

REFRESH = 30            # seconds between reloads of the page during training
SHARE = 0.02            # of one core's time that drawing the page may take
GROUP = 20              # epochs on each page of older epochs
SCORE = 'held-out score'
SCORE_SAYS = ('Held-out score: mean L1 between painted and real, of pixels in [-1, 1]; lower is '
              'better.')
FORGOTTEN: Mapping[str, Any] = {}       # what is shown of an epoch whose page is written
Shot = tuple[int, str, str]     # images seen, path of the painted image, its caption


class HtmlSink(Sink):
    """web/index.html, web/images/epochNNN_LABEL.png and epochNNN_heldout_LABEL.png, and the images
    painted from the held-out pose as web/film/IMAGES.jpg."""
    name = 'web page'
    WRITES = (r'web/index\.html', r'web/history\.jsonl', r'web/epochs_\d+_to_\d+\.html',
              r'web/images/epoch\d+_[^/]+\.png', r'web/film/\d+\.jpg')

    @staticmethod
    def WHEN(run: RunFacts) -> bool:
        return not run.options.get('no_html', False)

    def __init__(self, run: RunFacts):
        super().__init__(run)
        self.folder = run.folder / 'web'
        (self.folder / 'images').mkdir(parents=True, exist_ok=True)
        self.curves: dict[str, Curve] = {}
        self.film = Film()
        self.shown: dict[int, Mapping[str, Any]] = {}   # by epoch, oldest first
        self.cards: dict[int, str] = {}                 # the same as HTML, if already drawn
        self.now: dict[str, Any] = {'epoch': 0, 'step': 0, 'seconds': 0.0}
        self.draw_after = 0.0
        self.history = self.folder / 'history.jsonl'
        if run.continued and self.history.is_file():
            for event in read_events(self.history):
                self.take(event)
            self.keep('')                               # ends a line that a crash truncated
        else:
            self.history.unlink(missing_ok=True)
            remove(self.folder, (r'film/\d+\.jpg',))
        self.draw('training')

    def losses(self, step: int, epoch: int, losses: Mapping[str, float], seconds: float,
               data_seconds: float, iters: int | None = None) -> None:
        self.happened({'losses': {name: float(value) for name, value in losses.items()},
                       'step': step, 'epoch': epoch, 'seconds': seconds})

    def pictures(self, epoch: int, step: int, pictures: 'Pictures') -> None:
        self.happened({'pictures': self.save(f'epoch{epoch:03}_', pictures), 'step': step,
                       'epoch': epoch, 'size': size_of(next(iter(pictures.values())))})

    def heldout(self, epoch: int, step: int, pictures: 'Pictures', score: float | None) -> None:
        event: dict[str, Any] = {
            'heldout': self.save(f'epoch{epoch:03}_heldout_', pictures), 'step': step,
            'epoch': epoch, 'size': size_of(next(iter(pictures.values()))),
            'score': None if score is None else float(score)}
        if self.film.wants_next and 'fake_B' in pictures:
            event['film'] = f'film/{step:09}.jpg'
            self.write(event['film'], pictures['fake_B'])
        before = {path for _, path, _ in self.film.shots}
        self.happened(event)
        for path in before - {path for _, path, _ in self.film.shots}:
            (self.folder / path).unlink(missing_ok=True)

    def close(self, finished: bool) -> None:
        self.draw('finished' if finished else 'stopped')

    def save(self, start: str, pictures: 'Pictures') -> dict[str, str]:
        """Write the images; returns {label: path relative to the page}."""
        paths = {label: f'images/{start}{label}.png' for label in pictures}
        for label, path in paths.items():
            self.write(path, pictures[label])
        return paths

    def write(self, path: str, picture: 'np.ndarray') -> None:
        write_image(self.folder / path, picture)

    def happened(self, event: dict[str, Any]) -> None:
        """Take an event in, append it to the history, and draw the page if that is due."""
        self.take(event)
        self.keep(json.dumps(event))
        half = 'pictures' in event and SCORE in self.curves     # held-out images follow at once
        if not half and time.monotonic() >= self.draw_after:
            self.draw('training')

    def keep(self, line: str) -> None:
        append_line(self.history, line)

    def take(self, event: dict[str, Any]) -> None:
        """Update the state that the page shows."""
        epoch, step = event['epoch'], event['step']
        self.now |= {key: event[key] for key in self.now.keys() & event.keys()}
        values = dict(event.get('losses', {}))
        if event.get('score') is not None:
            values[SCORE] = event['score']
        for name, value in values.items():
            self.curves.setdefault(name, Curve()).add(step, value)
        if event.keys() & {'pictures', 'heldout'}:
            while self.shown and next(reversed(self.shown)) > epoch:    # resumed further back
                self.cards.pop(self.shown.popitem()[0], None)
            self.shown[epoch] = {**self.shown.get(epoch, FORGOTTEN), **event}
            self.cards.pop(epoch, None)
        if 'heldout' in event:
            self.film.add(step, event.get('film'), caption(event))

    def draw(self, state: str) -> None:
        """Write index.html, and every page of older epochs that is full by now."""
        start = time.monotonic()
        epochs = list(self.shown)
        kept_from = GROUP * max(0, (len(epochs) - 1) // GROUP - 1) if epochs else 0
        groups = [epochs[k:k + GROUP] for k in range(0, kept_from, GROUP)]
        for group in groups:
            if not self.shown[group[-1]]:
                continue
            if not (self.folder / page_name(group)).exists() or group[-1] in self.cards:
                self.draw_group(group)
            for epoch in group:             # thousands of epochs take no memory
                self.cards.pop(epoch, None)
                self.shown[epoch] = FORGOTTEN
        write_text(self.folder / 'index.html', self.text(state, epochs[kept_from:], groups))
        took = time.monotonic() - start
        self.draw_after = time.monotonic() + max(1.0, took / SHARE)

    def draw_group(self, epochs: list[int]) -> None:
        document = page(f'{self.run.name}: epochs {epochs[0]} to {epochs[-1]}')
        document.body.add(
            tags.header(tags.h1(self.run.name),
                        tags.p(f'Epochs {epochs[0]} to {epochs[-1]} · ',
                               tags.a('newest', href='index.html'), cls='soft')),
            tags.section(self.folds(epochs), cls='card'))
        write_text(self.folder / page_name(epochs), render(document))

    def text(self, state: str, epochs: list[int], groups: list[list[int]]) -> str:
        """index.html, newest first."""
        document = page(self.run.name, refresh=REFRESH if state == 'training' else None)
        body = document.body
        body.add(self.header(state))
        first, *others = self.newest(epochs)
        body.add(first)
        names = sorted(self.curves, key=lambda name: name != SCORE)         # the score comes first
        if self.now['step']:            # a run that was not trained has one point, no curve
            body.add(tags.section((plot(name, self.curves[name]) for name in names), cls='plots'))
        body.add(*others)
        if epochs[:-1]:
            body.add(self.older(epochs[:-1], groups))
        for title, facts in (('Options', self.run.options), ('Dataset', self.run.dataset)):
            if facts:
                table = fold(title)
                table.add(facts_table(facts))
                body.add(table)
        body.add(script('film.js'))
        return render(document)

    def header(self, state: str) -> tags.html_tag:
        now = self.now
        trained = [f'epoch {now["epoch"]}', f'{now["step"]:,} images seen',
                   f'{now["seconds"]:.3f} s per image']
        if state == 'finished' and not now['step']:
            trained = ['not trained']
        facts = [*trained, time.strftime('%d %b %Y, %H:%M')]
        return tags.header(tags.h1(self.run.name), tags.span(state, cls=f'pill {state}'),
                           tags.p(' · '.join(facts), cls='soft'))

    def newest(self, epochs: list[int]) -> list[tags.html_tag]:
        """The cards of the newest epoch; the first stands above the curves."""
        if not epochs:
            return [tags.section(tags.p('The first images appear soon.', cls='soft'), cls='card')]
        newest = self.shown[epochs[-1]]
        first, *others = rows(newest, 'newest')
        if 'fake_B' in newest.get('heldout', {}):
            shot = (newest['step'], newest['heldout']['fake_B'], caption(newest))
            first.add(self.film.controls(shot))
        if SCORE in self.curves:
            first.add(tags.p(SCORE_SAYS, cls='soft'))
        return [tags.section(tags.h2(caption(newest)), first, cls='card'),
                *(tags.section(other, cls='card small') for other in others)]

    def older(self, epochs: list[int], groups: list[list[int]]) -> tags.html_tag:
        """A fold with earlier epochs, and links to the pages of those before."""
        older = fold('Earlier epochs')
        older.add(self.folds(epochs))
        for group in reversed(groups):
            older.add(tags.p(tags.a(f'Epochs {group[0]} to {group[-1]}', href=page_name(group))))
        return older

    def folds(self, epochs: list[int]) -> Any:
        """A fold for each epoch, newest first; draws each once."""
        for epoch in epochs:
            if epoch not in self.cards:
                card = fold(headline(epoch, self.shown[epoch]))
                card.add(tags.div(rows(self.shown[epoch], str(epoch)), cls='pairs'))
                self.cards[epoch] = card.render(pretty=False)
                take_apart(card)
        return raw(''.join(self.cards[epoch] for epoch in reversed(epochs)))


class Curve:
    """A line of any length in at most LIMIT points: at the limit, each pair becomes one."""
    LIMIT = 400

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.stride = 1                         # values that are averaged into a point
        self.pending: list[Point] = []

    def add(self, x: float, y: float) -> None:
        while self.points and self.points[-1][0] >= x:      # the run resumed further back
            self.points.pop()
        self.pending = [*(p for p in self.pending if p[0] < x), (x, y)]
        if len(self.pending) >= self.stride:
            self.points.append(average(self.pending))
            self.pending = []
        if len(self.points) >= self.LIMIT:
            self.points = [average(self.points[k:k + 2]) for k in range(0, self.LIMIT, 2)]
            self.stride *= 2


class Film:
    """The same pose painted over the whole run, in at most LIMIT evenly spaced shots."""
    LIMIT = 121                                 # odd: every second shot includes the newest

    def __init__(self) -> None:
        self.shots: list[Shot] = []             # oldest first
        self.stride = 1                         # keeps one of every `stride` moments
        self.passed = 0                         # moments since the last shot

    @property
    def wants_next(self) -> bool:
        return self.passed + 1 >= self.stride or not self.shots

    def add(self, step: int, path: str | None, says: str) -> None:
        """Count a painted image; `path` is None where it is not kept."""
        self.shots = [shot for shot in self.shots if shot[0] < step]    # the run may have resumed
        self.passed += 1
        if path:
            self.shots.append((step, path, says))
            self.passed = 0
        if len(self.shots) >= self.LIMIT:
            self.shots = self.shots[::2]
            self.stride *= 2

    def controls(self, newest: Shot) -> Any:
        """A button and a slider for the film, which ends with `newest`; '' for a single shot.

        They change the painted image of their section, and its heading.
        """
        shots = [*(shot for shot in self.shots if shot[0] < newest[0]), newest]
        if len(shots) < 2:
            return ''
        last = str(len(shots) - 1)
        return tags.div(
            tags.button('Play', type='button'),
            tags.input_(type='range', min='0', max=last, value=last, autocomplete='off', id='film',
                        aria_label='from the first painted picture to the newest'),
            cls='film', data_shots=json.dumps([shot[1:] for shot in shots]))


def average(points: list[Point]) -> Point:
    """The mean y, at the x of the last point."""
    return points[-1][0], sum(y for _, y in points) / len(points)


def plot(name: str, curve: Curve) -> tags.html_tag:
    """One loss over the images seen, with the newest value of its smoothed line."""
    points = curve.points or curve.pending
    return tags.div(tags.h2(tags.span(name), tags.b(f'{smoothed(points)[-1][1]:.3g}')),
                    raw(curves_svg({name: points}, x_label='images seen')), cls='card')


def headline(epoch: int, shown: Mapping[str, Any]) -> str:
    score = shown.get('score')
    return f'Epoch {epoch}' + ('' if score is None else f' · {SCORE} {score:.4g}')


def caption(shown: Mapping[str, Any]) -> str:
    """The heading of an image of the film."""
    return f'{headline(shown["epoch"], shown)} · {shown["step"]:,} images seen'


def rows(shown: Mapping[str, Any], name: str) -> list[tags.html_tag]:
    """The held-out images first, which show how well the run does. `name` is unique per card."""
    found = []
    for kind, title in (('heldout', 'held out: a pose never trained on'),
                        ('pictures', 'from the training set')):
        if shown.get(kind):
            images = [(path, label) for label, path in shown[kind].items()]
            found.append(tags.div(tags.h3(title), figure_row(images, shown.get('size'),
                                                             f'{name}-{kind}')))
    return found


def page_name(epochs: list[int]) -> str:
    return f'epochs_{epochs[0]:03}_to_{epochs[-1]:03}.html'
