"""Several people in one film: which --target dances as which person of --source.

    python transfer.py --target a.mp4 b.mp4 --source duo.mp4 --people 1,2
"""
import argparse
import os
import re
from dataclasses import dataclass
from pathlib import Path

from options.mark_options import marks_in
from scene.background_names import OWN, SOURCE, check_offline, named
from util.errors import UserError
from util.options import Options, refuse
from util.words import pasted

TOGETHER = '_and_'      # joins the names of the people to that of their film's folder


@dataclass(frozen=True)
class Role:
    """A person of the film.

    number  of the dancer, as the report of the source lists people
    target  the video of the person painted in that place;  name  of that one's run
    """
    number: int
    target: str
    name: str


def declare_people(group: argparse._ArgumentGroup) -> None:
    """The flag of a film with several people."""
    group.add_argument('--people', default=None, metavar='N,N',
                       help='with several videos at --target: the dancer of --source in whose '
                            'place each one is painted, as report.html of the source numbers '
                            'people; default: 1,2 and so on, the largest and longest seen '
                            'first. They are painted in the scene of --source, the far one '
                            'first; --background own is for one person')


def with_people(opt: Options) -> Options:
    """The options with `roles`, one for each --target; () for one video, whose --target and --name
    are then the only ones. UserError where numbers, names and videos do not go together.

    `role` is for the options of one of the several.
    """
    targets, names = opt.target, opt.name or [Path(video).stem for video in opt.target]
    if len(names) != len(targets):
        raise UserError(f'--name {pasted(*names)}: {counted(len(names), "name")} for '
                        f'{counted(len(targets), "video")} at --target. Give one for each, or '
                        f'leave --name out.')
    if len(targets) == 1:
        if opt.people is not None:
            raise UserError(f'--people {opt.people}: --target names one video. For one dancer of '
                            f'several give --source_args "--person {opt.people}", or name a '
                            f'video at --target for each number.')
        return opt.but(target=targets[0], name=opt.name[0] if opt.name else None, roles=(),
                       role=None, background=opt.background or OWN)
    check_together(opt, names)
    marks_in(opt.but(name=''))          # of the film of all, which no step of one person writes
    numbers = numbers_of(opt.people, len(targets))
    roles = tuple(Role(*each) for each in zip(numbers, targets, names, strict=True))
    return opt.but(roles=roles, role=None, background=opt.background or SOURCE)


def numbers_of(text: str | None, count: int) -> list[int]:
    """The numbers of --people, one for each of that many videos."""
    if text is None:
        return list(range(1, count + 1))
    if not re.fullmatch(r'[1-9]\d{0,3}(,[1-9]\d{0,3})*', text):
        raise UserError(f'--people {text}: give a number for each --target, as in 1,2; report.html '
                        f'of the source lists them.')
    numbers = [int(number) for number in text.split(',')]
    if len(numbers) != count:
        raise UserError(f'--people {text}: {counted(len(numbers), "number")} for '
                        f'{counted(count, "video")} at --target. Give one for each.')
    if len(set(numbers)) < count:
        raise UserError(f'--people {text}: one dancer is named twice. Give another number to each '
                        f'--target.')
    return numbers


def check_together(opt: Options, names: list[str]) -> None:
    """UserError for what several people cannot be painted with."""
    from models import models
    videos: dict[str, str] = {}
    for name, video in zip(names, opt.target, strict=True):
        other = videos.setdefault(name, video)
        if os.path.realpath(other) != os.path.realpath(video):
            raise UserError(f'--target: {other} and {video} would both be named {name}. Give '
                            f'--name a name for each.')
    if opt.background is not None:
        check_offline(opt.background, True, opt.model)
    flags = {word.partition('=')[0] for word in opt.source_args.split()}
    refuse((
        (not models.find(opt.model).HAS_ALPHA,
         f'--model {opt.model} paints the whole picture and does not know where in it the person '
         f'is, so it paints nobody next to another. For several people give --model body2body.'),
        (opt.background is not None and named(opt.background) == OWN,
         '--background own: several people cannot each stand before a background of their own. '
         'Give --background source, green, alpha, or the file of a picture or video.'),
        ('--person' in flags,
         '--source_args: --person names one dancer. With several videos at --target give '
         '--people 1,2.'),
        ('--keep_scene' in flags,
         '--source_args: --keep_scene says who stays in the scene of one dancer. Where several '
         'people are painted nobody does. Leave it out.'),
        ('--num_test' in opt.test_args,
         '--test_args: --num_test would end each person at another moment. Give --source_args '
         '"--end 3" in place of it.')))


def counted(count: int, word: str) -> str:
    return f'{count} {word}{"" if count == 1 else "s"}'
