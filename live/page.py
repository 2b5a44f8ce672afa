"""The page of `--to http`, and the bare one for OBS."""
from dominate import tags
from dominate.util import raw

from live.controls import KEYS
from util.web.page import page as empty_page
from util.web.page import script, styles

SWITCHES = {'f': 'flipped', 'r': 'recording', ' ': 'frozen'}    # keys that stay pressed
BARE = 'html,body{margin:0;height:100%;overflow:hidden;background:transparent}' \
       'img{display:block;width:100vw;height:100vh;object-fit:contain}'


def page(size: tuple[int, int]) -> str:
    """The whole page as HTML; `size` is (width, height) px of the picture."""
    document = empty_page('body2body live')
    with document.head:
        styles('live.css')
    with document.body:
        with tags.header():
            tags.h1('body2body live')
            tags.span('starting', id='state', cls='pill', role='status')
        with tags.main():
            tags.figure(tags.img(id='picture', alt='the painted picture', width=size[0],
                                 height=size[1], style=f'--wide: {size[0]}; --tall: {size[1]}'),
                        cls='painted')
            buttons()
            with tags.aside():
                with tags.section(cls='card'):
                    tags.h2('Your camera')
                    tags.figure(tags.img(id='skeleton', alt='the camera with the skeleton'),
                                tags.figcaption('The coloured lines are the pose that was found.'))
                with tags.section(cls='card'):
                    tags.h2('Figures')
                    tags.table(tags.tbody(id='figures'))
                    tags.p('Pictures that would come too late are left out, so that the delay '
                           'stays small.', cls='soft')
        tags.footer('This page can be opened on this computer only. ',
                    tags.a('The picture alone', href='/obs'), ' is for OBS: add it as a browser '
                    'source.')
        script('live.js')
    return document.render(pretty=False)


def buttons() -> None:
    """One for each key, with what it does; what ends the session is not in the way of the rest."""
    keys = [*(key for key in KEYS if key != 'q'), 'q']
    with tags.div(cls='keys', role='group', aria_label='buttons and their keys'):
        for key in keys:
            name = 'space' if key == ' ' else key
            button = tags.button(tags.kbd(name), KEYS[key], type='button', data_key=key)
            if key in SWITCHES:
                button['data-switch'] = SWITCHES[key]
                button['aria-pressed'] = 'false'


def obs_page() -> str:
    """The picture alone, as large as the window, on nothing."""
    document = empty_page('body2body')
    document.head.clear()
    with document.head:
        tags.meta(charset='utf-8')
        tags.title('body2body')
        tags.link(rel='icon', href='data:,')
        tags.style(raw(BARE))
    with document.body:
        tags.img(id='picture', alt='')
        script('live.js')
    return document.render(pretty=False)
