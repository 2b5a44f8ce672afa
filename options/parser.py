"""The argument parser of every entry point and script: strict, with older spellings."""
from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from options.legacy import NOT_HERE, modern, older_spellings
from options.owners import owners
from util.errors import UserError, warn
from util.options import Options, whole
from util.words import pasted


class Parser(argparse.ArgumentParser):
    """argparse whose errors are UserErrors and whose misspelt flags name the nearest one.

    prog       the script whose flags these are; default: the one that runs
    declared   {flag: what argparse knows of it}, without dashes
    describing the flags that describe the network and the data: what a run's record may set
    """

    def __init__(self, description: str, prog: str | None = None,
                 formatter: type[argparse.HelpFormatter] = argparse.ArgumentDefaultsHelpFormatter):
        self.older = older_spellings()
        self.declared: dict[str, argparse.Action] = {}
        self.describing: set[str] = set()
        super().__init__(prog=prog, description=description, allow_abbrev=False,
                         formatter_class=formatter)

    def add_argument(self, *names: str, **about: Any) -> argparse.Action:   # type: ignore[override]
        return self.note(super().add_argument(*names, **about))

    def add_argument_group(self, *words: Any, describes: bool = False,
                           **about: Any) -> argparse._ArgumentGroup:
        """A group whose flags are in `declared` too, and in `describing` if it `describes`."""
        group = super().add_argument_group(*words, **about)
        add = group.add_argument

        def add_argument(*names: str, **about: Any) -> argparse.Action:
            action = self.note(add(*names, **about))
            if describes:
                self.describing.add(action.dest)
            return action
        group.add_argument = add_argument       # type: ignore[method-assign, assignment]
        return group

    def note(self, action: argparse.Action) -> argparse.Action:
        if action.type is int:
            action.type = whole
        for option in action.option_strings:
            if option.startswith('--'):
                self.declared[option[2:]] = action
        return action

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix('argument ')
        if message.endswith('expected one argument'):
            flag = message.partition(':')[0]
            message = f'{flag}: a value is missing (one that begins with -- goes into {flag}=VALUE)'
        raise UserError(f'{message}. {self.prog} --help lists every flag.')

    def flags(self) -> set[str]:
        return set(self.declared)

    def format_help(self) -> str:
        flags = self.flags()
        here = [f'--{old} (--{new})' for old, new in self.older.items() if new in flags]
        self.epilog = f'Older spellings are understood too: {", ".join(here)}.' if here else None
        return super().format_help()

    def parse_strictly(self, argv: list[str], into: Options) -> Options:
        """Parse everything or raise UserError; warn of flags without effect."""
        argv, dropped = modern(argv, self.flags())
        opt, unknown = self.parse_known_args(argv, into)
        if unknown:
            raise self.unknown_flag(unknown[0], argv)
        for why in dict.fromkeys(dropped.values()):
            names = [f'--{name}' for name, reason in dropped.items() if reason == why]
            has, is_ = ('has', 'is') if len(names) == 1 else ('have', 'are')
            because = f': {why}' if why else ''
            warn(f'{", ".join(names)} {has} no effect here and {is_} ignored{because}.')
        return opt

    def read(self, argv: Sequence[str] | None = None) -> Options:
        """What was typed; `argv` is the command line by default."""
        return self.parse_strictly(list(sys.argv[1:] if argv is None else argv), Options())

    def unknown_flag(self, word: str, argv: Sequence[str] = ()) -> UserError:
        if not word.startswith('-'):
            return self.one_word_too_many(word, argv)
        if not word.startswith('--'):
            return UserError(f'{word}: no such flag. {self.prog} --help lists every flag; a name '
                             f'that begins with a dash is given as {pasted("./" + word)}')
        name = word.lstrip('-').partition('=')[0]
        if name in NOT_HERE:
            return UserError(f'--{name}: {NOT_HERE[name]}.')
        takes = [flag[:-5] for flag in self.declared if flag.endswith('_args')]
        where = owners(name, self.get_default('model'), takes)
        if where:
            return UserError(f'--{name}: {where}')
        close = get_close_matches(name, self.flags() | set(self.older), n=1)
        hint = f' Did you mean --{close[0]}?' if close else ''
        return UserError(f'--{name}: no such flag.{hint} {self.prog} --help lists every flag.')

    def surplus(self, argv: Sequence[str]) -> int:
        """The place of the first word that no flag takes."""
        k = 0
        while k < len(argv) and argv[k].startswith('--'):
            flag, has_value, _ = argv[k].partition('=')
            action = self.declared.get(flag[2:])
            k += 1
            takes = 0 if has_value or action is None else {None: 1, '?': 1, 0: 0}.get(
                action.nargs, len(argv))
            while takes and k < len(argv) and not argv[k].startswith('--'):
                k, takes = k + 1, takes - 1
        return k

    def one_word_too_many(self, word: str, argv: Sequence[str]) -> UserError:
        """The error for a word after the value of a flag: several words that belong together were
        typed without quotes or commas."""
        place = self.surplus(argv)
        before = list(argv[:place])
        starts = [k for k, each in enumerate(before) if each.startswith('--')]
        flag, _, value = before[starts[-1]].partition('=') if starts else ('', '', '')
        action = self.declared.get(flag[2:])
        if action is None:
            return UserError(f'{word}: belongs to no flag. {self.prog} --help lists every flag.')
        if action.nargs == 0:
            return UserError(f'{word}: {flag} takes no value. Leave that word out.')
        if action.type:
            return UserError(f'{word}: {flag} takes one value. Leave the others out.')
        words = [*([value] if value else []), *before[starts[-1] + 1:], word]
        handed_on = flag.endswith('_args')          # flags of a step, up to one of this script
        for each in argv[place + 1:]:
            name = each.partition('=')[0]
            if name.startswith('--') and not (handed_on and name[2:] not in self.declared):
                break
            words.append(each)
        if all(map(os.path.exists, words)):
            return UserError(f'{word}: {flag} takes one file. Leave the others out.')
        is_list = all(re.fullmatch(r'-?[\d.]+,?', each) for each in words)
        whole = ','.join(each.rstrip(',') for each in words) if is_list else ' '.join(words)
        how = 'with commas' if is_list else 'in quotes'
        return UserError(f'{word}: {flag} takes one word. Several go into one {how}: '
                         f'{pasted(flag, whole)}')
