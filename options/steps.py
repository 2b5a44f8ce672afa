"""Advice of a step, for who typed the command that calls it.

transfer.py calls preprocess.py, train.py and test.py, whose sentences advise flags of theirs.
"""
import re
from collections.abc import Mapping, Set

FLAG = re.compile(r'(?<![\w"-])--[A-Za-z]\w*')
COMMAND = re.compile(r'\bpython [^\n]*')      # says all by itself, and ends its sentence


def with_own_flags(text: str, has: Set[str], instead: Mapping[str, str], script: str = '',
                   args: str = '') -> str:
    """`text` and one more sentence for each kind of flag in it that the command lacks.

    has       the flags of the command, with dashes
    instead   {flag of the step: what the command takes in place of it}
    script    the step
    args      the flag of the command that hands further ones to the step; '' where none does
    """
    command = COMMAND.search(text)
    advice = text[:command.start()] if command else text
    named = [flag for flag in dict.fromkeys(FLAG.findall(advice)) if flag not in has]
    told = [f'In place of {flag}, give {instead[flag]}.' for flag in named if flag in instead]
    rest = [flag for flag in named if flag not in instead]
    if rest and args:
        example = rest[0] if len(rest) == 1 else '...'
        told.append(f'Flags of {script} go into --{args} "{example}" here.')
    return text if command else ' '.join([text, *told])
