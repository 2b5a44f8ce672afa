"""The style of all web pages of this project, and the elements they are built from.

A page is one file that opens from disk: styles, scripts and charts are inside it, images and
videos have paths relative to it, and nothing is loaded from the network.
"""
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dominate
from dominate import tags
from dominate.dom_tag import dom_tag
from dominate.util import raw

from util import thumbnails
from util.words import printable

LABELS = {'real_A': 'pose', 'fake_B': 'painted', 'real_B': 'real'}
WEB = Path(__file__).parent      # the folder of the .css and .js files


@cache
def asset(name: str) -> str:
    """The text of a .css or .js file of this folder."""
    return (WEB / name).read_text(encoding='utf-8')


def styles(*names: str) -> tags.html_tag:
    """A style element that holds these .css files; for the head of a page."""
    return tags.style(raw(''.join(asset(name) for name in names)))


def script(name: str) -> tags.html_tag:
    """A script element that holds this .js file; for the end of a page."""
    return tags.script(raw(asset(name)))


def page(title: str, refresh: int | None = None) -> dominate.document:
    """An empty page with page.css; add elements to it, then `render`.

    refresh    seconds until a browser reloads it, unless the reader holds a slider or looks at
               another tab; None for a finished page
    """
    document = dominate.document(title=title)
    document['lang'] = 'en'
    document.head.add(
        tags.meta(charset='utf-8'),
        tags.meta(name='viewport', content='width=device-width, initial-scale=1'),
        tags.link(rel='icon', href='data:,'),           # else browsers request one
        styles('page.css'))
    if refresh:
        document.body['data-refresh'] = str(refresh)
    return document


def render(document: dominate.document) -> str:
    """The page as HTML text. The document is used up."""
    document.body.add(script('page.js'))
    text = printable(document.render(pretty=False))
    take_apart(document)
    return text


def take_apart(element: tags.html_tag) -> None:
    """Free an element, and all that it holds, as soon as nobody uses it.

    Elements and what holds them refer to each other, which only Python's collector finds; it comes
    rarely next to torch's many objects, and a run draws its page thousands of times.
    """
    element.parent = None
    for child in element.children:
        if isinstance(child, dom_tag):
            take_apart(child)
    element.children = []


def link(path: str) -> str:
    """The URL of a file whose path is relative to the page, whatever characters its name has, and
    where it is not UTF-8 too."""
    return quote(os.fsencode(path))


def figure_row(images: Iterable[tuple[str, str]], size: tuple[int, int] | None = None,
               wipe_name: str = '', folder: Path | None = None) -> tags.html_tag:
    """Images side by side, on a phone too, because comparing them is the point. A click opens one.

    images       (path relative to the page, label) each; LABELS replaces upstream's labels
    size         (width, height) px, so that the page does not jump while images load; all images
                 are shown in this shape
    wipe_name    if given, the painted image becomes a `wipe` over the real one
    folder       of the page: an image that has a thumbnail there is shown by it
    """
    images = list(images)
    paths = {label: src for src, label in images}
    shape = f'; --shape: {size[0]}/{size[1]}' if size else ''
    row = tags.div(cls='row', style=f'--n: {len(images)}{shape}')
    for src, label in images:
        if wipe_name and label == 'fake_B' and 'real_B' in paths:
            row.add(wipe((src, label), (paths['real_B'], 'real_B'), wipe_name, size, folder))
        else:
            row.add(tags.figure(tags.a(picture(src, label, size, folder), href=link(src)),
                                tags.figcaption(LABELS.get(label, label))))
    return row


def wipe(over: tuple[str, str], under: tuple[str, str], name: str,
         size: tuple[int, int] | None = None, folder: Path | None = None) -> tags.html_tag:
    """A before/after slider: `over` is visible left of a line, `under` right of it.

    The line follows the mouse or the arrow keys. Both images in one place show differences at
    edges that are hard to see side by side.

    over, under    (path relative to the page, label) each, of one size
    name           unique on the page: keeps the position of the line through a reload
    size, folder   as in `figure_row`
    """
    words = [LABELS.get(label, label) for _, label in (over, under)]
    slider = tags.input_(type='range', min='0', max='100', value='100', autocomplete='off',
                         id=f'wipe-{name}', title=' ↔ '.join(words),
                         aria_label=f'percent {words[0]}, the rest {words[1]}')
    return tags.figure(
        tags.div(picture(*under, size, folder), picture(*over, size, folder), slider, cls='wipe'),
        tags.figcaption(tags.a(words[0], href=link(over[0])), f' ↔ {words[1]}'))


def picture(src: str, label: str, size: tuple[int, int] | None,
            folder: Path | None = None) -> tags.html_tag:
    place = {'width': size[0], 'height': size[1]} if size else {}
    shown = thumbnails.found(folder, src) if folder else ''
    return tags.img(src=link(shown or src), loading='lazy', decoding='async', **place,
                    alt=f'{LABELS.get(label, label)}: {src.rpartition("/")[2]}')


def video(src: str, label: str = '', poster: str = '') -> tags.html_tag:
    """A video player; `src` is relative to the page.

    poster    picture that is shown until the film is played; with it, nothing is loaded before
    """
    still = {'preload': 'none', 'poster': link(poster)} if poster else {'preload': 'metadata'}
    player = tags.video(src=link(src), controls=True, loop=True, playsinline=True,
                        aria_label=label or src, **still)
    return tags.figure(player, tags.figcaption(tags.a(label or src, href=link(src))))


def fold(title: str) -> tags.html_tag:
    """A closed fold; add its content to it."""
    return tags.details(tags.summary(title), id=title)


def facts_table(facts: Mapping[str, Any]) -> tags.html_tag:
    """A table of two columns: name and value."""
    return tags.table(tags.tbody(
        tags.tr(tags.th(str(name)), tags.td(wording(value))) for name, value in facts.items()))


def wording(value: Any) -> str:
    """A value as text for readers."""
    if value is None or value == '':
        return '–'
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, float):
        return f'{value:.6g}'
    if isinstance(value, Mapping):
        return ', '.join(f'{name}: {wording(part)}' for name, part in value.items())
    if isinstance(value, list | tuple):
        return ', '.join(wording(part) for part in value)
    return str(value)
