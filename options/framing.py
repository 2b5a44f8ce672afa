"""Flags that transfer.py sets for its steps: sizes and shape of the target's frames, which are
those of the dataset that is there, or what the model paints best from; the scene, and the look of
the film.
"""
from pathlib import Path
from typing import Any

from options.mark_options import as_flags
from util.errors import UserError, say
from util.options import Options

PAIR_SIZE = 256     # px, shorter side: what body2body decides on, and the squares of other models
FILM_SIZE = 720     # px, shorter side of a film, unless the video has less or --size says so


def framing(model: str, further: list[str], target: Path) -> list[str]:
    """--aspect and --crop of the target's frames: of the dataset that is there, else the whole
    picture in the video's aspect, where the model paints frames of any aspect: nobody's head or arm
    is then cut off, and the film looks as the video was filmed.

    further   the words of --target_args, which decide where they name such a flag
    """
    from models import models
    typed = flags_in(further)
    if typed & {'--width', '--height'}:
        return []
    any_shape = models.find(model).ANY_SHAPE
    made = settings_of(target, typed)
    if made:
        chosen = {'aspect': 'square'} | made            # an older dataset does not say it
        square = chosen['aspect'] == 'square' and chosen.get('crop') != 'none'
        if any_shape and square and '--aspect' not in typed:
            say(f'{target} is there, with square frames, and is used. To keep the aspect of the '
                f'video: another --name.')
    elif any_shape and '--aspect' not in typed:
        chosen = {'aspect': 'keep', 'crop': 'none'}
    else:
        return []
    untyped = [flag for flag in ('aspect', 'crop') if flag in chosen and f'--{flag}' not in typed]
    return [f'--{flag}={chosen[flag]}' for flag in untyped]


def sizes(opt: Options, further: list[str], target: Path) -> list[str]:
    """--size and --film_size of the target's frames: of the dataset that is there if its film is as
    large as asked, else for such a film. A model that paints frames of any aspect decides on small
    pairs and paints from large frames; any other sees frames as large as its film.

    further   the words of --target_args, which decide where they name such a flag
    """
    from models import models
    typed = flags_in(further)
    any_shape = models.find(opt.model).ANY_SHAPE
    is_typed = bool(typed & {'--size', '--width', '--height'})
    if not any_shape:
        chosen = {'size': opt.size or PAIR_SIZE, 'film_size': 0}
    elif is_typed:
        chosen = {'film_size': opt.size or 0}       # a film as large as the pairs that were typed
    else:
        size = opt.size or FILM_SIZE
        chosen = {'size': min(PAIR_SIZE, size), 'film_size': size}
    made = settings_of(target, typed)
    if 'size' in made:
        there = {'size': made['size'], 'film_size': made.get('film_size', 0)}
        largest = there['film_size'] or there['size']
        side = largest if any_shape else there['size']
        chosen = there if opt.size in (None, side) else chosen
    if is_typed:
        chosen.pop('size', None)
    return [f'--{flag}={value}' for flag, value in chosen.items() if f'--{flag}' not in typed]


def check_size(opt: Options, further: list[str], target: Path) -> None:
    """UserError where --size asks for another film than that of the target's dataset."""
    from models import models
    typed = flags_in(further)
    made = settings_of(target, typed)
    if made and not typed & {'--size', '--width', '--height', '--film_size'}:
        film = made.get('film_size') if models.find(opt.model).ANY_SHAPE else 0
        check_side(opt, target, film or made.get('size'), 'target_args')


def flags_in(words: list[str]) -> set[str]:
    """The flags among these words, without their values."""
    return {word.partition('=')[0] for word in words if word.startswith('--')}


def settings_of(target: Path, typed: set[str]) -> dict[str, Any]:
    """How the dataset that is there was made; {} where there is none, or with --overwrite."""
    from data.facts import read_facts
    return {} if '--overwrite' in typed else read_facts(target).get('settings', {})


def scene_of(opt: Options, typed: set[str], source: Path) -> list[str]:
    """What the dataset of the source keeps for --background source: a scene as large as --size
    says, or as the one that is there.

    typed  flags in --source_args, where --keep_scene may say who stays in the scene
    """
    from data.facts import read_facts
    from scene.background_names import SOURCE, named
    if named(opt.background) != SOURCE and not opt.role:
        return []
    nobody = ['nobody'] if opt.role else []
    scene = [] if '--keep_scene' in typed else ['--keep_scene', *nobody]
    there = settings_of(source, typed) if 'scene' in read_facts(source) else {}
    side = there.get('film_size')
    if '--film_size' not in typed:
        check_side(opt, source, side, 'source_args')
    size = opt.size or side
    return [*scene, *([f'--film_size={size}'] if size else [])]


def check_side(opt: Options, root: Path, side: int | None, args: str) -> None:
    """UserError where --size asks for another film than the dataset that is there was made for,
    px on its shorter side; args: what hands flags to the step that makes it again."""
    if side and opt.size not in (None, side):
        raise UserError(f'--size {opt.size}: {root} was made for a film of {side} px. Leave --size '
                        f'out, give another --name, or make it again with --{args} "--overwrite".')


def look_of(opt: Options) -> list[str]:
    """Flags of test.py for --background, the kind of film that --output names and its marks; one
    of several people becomes a layer."""
    from scene.background_names import ALPHA
    if opt.role:
        return [f'--background={ALPHA}']
    film = [f'--alpha_film={Path(opt.output).suffix.lower()[1:]}']
    return [f'--background={opt.background}', *(film if opt.background == ALPHA else []),
            *as_flags(opt)]
