"""The look of every web page here, and the parts that pages are put together from.

A page is one file that opens from disk: style and curves are inside it, pictures and videos are
named by paths relative to it, and nothing is fetched from anywhere else.
"""
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import dominate
from dominate import tags
from dominate.util import raw

LABELS = {'real_A': 'pose', 'fake_B': 'painted', 'real_B': 'real'}

STYLE = """
:root { color-scheme: light dark; --ground: #f6f6f3; --card: #fff; --ink: #1d2024; --soft: #666c75;
  --line: #e3e3de; --c0: #4457d0; --c1: #c8571f; --c2: #16866a; --c3: #a23b86; }
@media (prefers-color-scheme: dark) { :root { --ground: #111316; --card: #1a1d22; --ink: #e9ebee;
  --soft: #9aa2ac; --line: #2b3037; --c0: #93a0ff; --c1: #f2955f; --c2: #56c7a5; --c3: #e28cc9; } }
* { box-sizing: border-box; }
html { font: clamp(15px, 12px + .35vw, 24px)/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", "Liberation Sans", Arial, sans-serif; -webkit-text-size-adjust: 100%; }
body { max-width: 80rem; margin: 0 auto; padding: clamp(.9rem, 3vw, 2.6rem);
  color: var(--ink); background: var(--ground); overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; letter-spacing: -.02em; }
h2 { margin: 0 0 .8rem; font-size: 1.05rem; }
h3 { margin: 1.1rem 0 .4rem; font-size: .8rem; color: var(--soft); font-weight: 500; }
h2 + h3, .card > div:first-child > h3 { margin-top: 0; }
.pairs h3 { margin-top: .2rem; }
p { margin: .3rem 0; }
a { color: var(--c0); }
header, section, body > details { margin-bottom: 1.2rem; }
header { display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: center; }
header > p { flex-basis: 100%; }
.soft, footer, figcaption { color: var(--soft); font-size: .85rem; }
.pill { padding: .1rem .7rem; border-radius: 9rem; font-size: .8rem; font-weight: 600;
  color: var(--card); background: var(--soft); }
.pill.training { background: var(--c0); } .pill.finished { background: var(--c2); }
.card, body > details { padding: clamp(.8rem, 2vw, 1.4rem); background: var(--card);
  border: 1px solid var(--line); border-radius: 14px; }
.row { display: grid; gap: clamp(.3rem, 1vw, .8rem);
  grid-template-columns: repeat(var(--n), minmax(0, 28rem)); }
.small .row { grid-template-columns: repeat(var(--n), minmax(0, 14rem)); }
.pairs { display: grid; gap: .4rem 2rem; }
@media (min-width: 70em) { .pairs:has(> :nth-child(2)) { grid-template-columns: 1fr 1fr; } }
.pairs > * { min-width: 0; }
figure { margin: 0; }
figure img, video { display: block; width: 100%; height: auto; border-radius: 8px;
  background: var(--line); }
video { max-height: 80vh; background: #000; }
.films { display: flex; flex-wrap: wrap; gap: clamp(.6rem, 2vw, 1.4rem); align-items: flex-start; }
.films figure { flex: 1 1 0; min-width: min(14rem, 100%); }
.films figure:first-child { flex-grow: 3; min-width: min(30rem, 100%); }
figcaption { margin-top: .25rem; }
.wipe { position: relative; overflow: hidden; border-radius: 8px; --at: 100%; }
.wipe img + img { position: absolute; inset: 0; height: 100%;
  clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.wipe::before { content: ""; position: absolute; z-index: 1; inset: 0 auto 0 var(--at); width: 2px;
  margin-left: -1px; background: #fff; box-shadow: 0 0 3px #000a; pointer-events: none; }
.wipe::after { content: "↔"; position: absolute; z-index: 1; top: 50%;
  left: clamp(.9rem, var(--at), 100% - .9rem); width: 1.5rem; margin: -.75rem; text-align: center;
  font-size: .9rem; line-height: 1.5rem; border-radius: 50%; color: #1d2024; background: #fffe;
  box-shadow: 0 0 3px #000a; pointer-events: none; }
.wipe:focus-within { outline: 3px solid var(--c0); outline-offset: 2px; }
.wipe input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  appearance: none; cursor: ew-resize; touch-action: pan-y; }
.wipe input::-webkit-slider-thumb { appearance: none; width: 1px; }
.wipe input::-moz-range-thumb { width: 1px; border: 0; }
.film { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: center; margin-top: .9rem; }
.film input { flex: 1; min-width: 8rem; accent-color: var(--c0); }
button { min-width: 5rem; padding: .25rem .9rem; font: inherit; font-size: .9rem; cursor: pointer;
  color: var(--ink); background: var(--ground); border: 1px solid var(--line); border-radius: 9rem;
}
.plots { display: grid; gap: .9rem; grid-template-columns: repeat(auto-fit, minmax(min(13rem, 100%),
  1fr)); }
.plots h2 { display: flex; justify-content: space-between; margin: 0 0 .3rem; font-size: .9rem; }
.plots h2 b { font-variant-numeric: tabular-nums; }
.plots .card { padding: .8rem .9rem .5rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--soft); }
@media (max-width: 30em) { svg text { font-size: 9px; } }
svg polyline { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
svg polyline.raw { stroke-width: .8; opacity: .35; }
svg .grid { stroke: var(--line); stroke-width: 1; }
.k0 { stroke: var(--c0); } .k1 { stroke: var(--c1); } .k2 { stroke: var(--c2); }
.k3 { stroke: var(--c3); } .dash { stroke-dasharray: 4 4; }
.dot { stroke-width: 5; stroke-linecap: round; }
svg tspan.k0, svg tspan.k1, svg tspan.k2, svg tspan.k3 { stroke: none; }
tspan.k0 { fill: var(--c0); } tspan.k1 { fill: var(--c1); } tspan.k2 { fill: var(--c2); }
tspan.k3 { fill: var(--c3); }
summary { cursor: pointer; font-weight: 600; }
details[open] > summary { margin-bottom: .8rem; }
details details { padding: .5rem 0; border-top: 1px solid var(--line); }
details details > summary { font-weight: 500; }
.frame { content-visibility: auto; contain-intrinsic-size: auto 16rem; padding: .5rem 0;
  border-top: 1px solid var(--line); }
table { width: 100%; border-collapse: collapse; font-size: .87rem; }
th, td { padding: .3rem 1rem .3rem 0; border-top: 1px solid var(--line); text-align: left;
  vertical-align: top; }
tr:first-child > * { border-top: 0; }
th { width: 34%; min-width: 6rem; color: var(--soft); font-weight: 500; }
"""

# A page that reloads itself must not close the folds nor move the sliders of its reader. A slider
# at its right end stays there: that end may be what is newest.
SCRIPT = """
{ const kept = (() => { try { return sessionStorage; } catch { return {}; } })();
const key = (part) => location.pathname + ' ' + part.id;
const keep = (part, value) => value ? kept[key(part)] = value : delete kept[key(part)];
document.addEventListener('input', ({target}) => {
  target.closest('.wipe')?.style.setProperty('--at', target.value + '%');
  if (target.id) keep(target, target.value !== target.max && target.value);
});
for (const slider of document.querySelectorAll('input[id]')) if (key(slider) in kept) {
  slider.value = kept[key(slider)];
  slider.dispatchEvent(new Event('input', {bubbles: true}));
}
for (const fold of document.querySelectorAll('details[id]')) {
  if (key(fold) in kept) fold.open = true;
  fold.addEventListener('toggle', () => keep(fold, fold.open && 'open'));
}
const seconds = document.body.dataset.refresh;
const busy = () => document.hidden || document.querySelector('.playing, :active');
const look = () => busy() ? setTimeout(look, 1000) : location.reload();
if (seconds) setTimeout(look, seconds * 1000); }
"""


def page(title: str, refresh: int | None = None) -> dominate.document:
    """An empty page in our style; add parts to it, then `render`.

    refresh    seconds after which a browser reads it again, unless its reader is at a slider or
               looks elsewhere; None for a page that is done
    """
    document = dominate.document(title=title)
    document['lang'] = 'en'
    with document.head:
        tags.meta(charset='utf-8')
        tags.meta(name='viewport', content='width=device-width, initial-scale=1')
        tags.link(rel='icon', href='data:,')            # or a browser looks for one
        tags.style(raw(STYLE))
    if refresh:
        document.body['data-refresh'] = str(refresh)
    return document


def render(document: dominate.document) -> str:
    """The page as HTML text."""
    document.body.add(tags.script(raw(SCRIPT)))
    return document.render(pretty=False)


def figure_row(images: Iterable[tuple[str, str]], size: tuple[int, int] | None = None,
               wipe_name: str = '') -> tags.html_tag:
    """Pictures side by side, on a phone too: comparing them is the point. A click shows one alone.

    images       (path relative to the page, label) each; upstream's become everyday words
    size         (width, height) px, so that the page does not jump while pictures load
    wipe_name    where given, the painted picture can be wiped off the real one: see `wipe`
    """
    images = list(images)
    paths = {label: src for src, label in images}
    row = tags.div(cls='row', style=f'--n: {len(images)}')
    for src, label in images:
        if wipe_name and label == 'fake_B' and 'real_B' in paths:
            row.add(wipe((src, label), (paths['real_B'], 'real_B'), wipe_name, size))
        else:
            row.add(tags.figure(tags.a(picture(src, label, size), href=quote(src)),
                                tags.figcaption(LABELS.get(label, label))))
    return row


def wipe(over: tuple[str, str], under: tuple[str, str], name: str,
         size: tuple[int, int] | None = None) -> tags.html_tag:
    """Two pictures of one size, the upper one seen left of a line that is dragged, or moved by the
    arrow keys: both sides of an edge at once show what no two pictures side by side do.

    over, under    (path relative to the page, label) each
    name           of its own on the page: the line's place outlives a reload under it
    size           (width, height) px, as in `figure_row`
    """
    words = [LABELS.get(label, label) for _, label in (over, under)]
    slider = tags.input_(type='range', min='0', max='100', value='100', autocomplete='off',
                         id=f'wipe-{name}', title=' ↔ '.join(words),
                         aria_label=f'percent {words[0]}, the rest {words[1]}')
    return tags.figure(
        tags.div(picture(*under, size), picture(*over, size), slider, cls='wipe'),
        tags.figcaption(tags.a(words[0], href=quote(over[0])), f' ↔ {words[1]}'))


def picture(src: str, label: str, size: tuple[int, int] | None) -> tags.html_tag:
    place = {'width': size[0], 'height': size[1]} if size else {}
    return tags.img(src=quote(src), loading='lazy', decoding='async', **place,
                    alt=f'{LABELS.get(label, label)}: {src.rpartition("/")[2]}')


def video(src: str, label: str = '') -> tags.html_tag:
    """A film that plays in the page; `src` is relative to the page."""
    film = tags.video(src=quote(src), controls=True, loop=True, playsinline=True,
                      preload='metadata', aria_label=label or src)
    return tags.figure(film, tags.figcaption(tags.a(label or src, href=quote(src))))


def fold(title: str) -> tags.html_tag:
    """A closed fold; add what it hides."""
    return tags.details(tags.summary(title), id=title)


def facts_table(facts: Mapping[str, Any]) -> tags.html_tag:
    """Two columns: what, and how it is."""
    return tags.table(tags.tbody(
        tags.tr(tags.th(str(name)), tags.td(wording(value))) for name, value in facts.items()))


def wording(value: Any) -> str:
    """A value as a reader likes it."""
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
