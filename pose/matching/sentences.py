"""Coverage in plain words, for a report: what will be painted badly."""
from collections.abc import Mapping, Sequence

import numpy as np

from util.words import clock

TROUBLE = {'arms': 'the arms to blur', 'legs': 'the legs to blur', 'head': 'the head to blur',
           'body': 'the whole body to blur', 'turn': 'the body to face the wrong way'}


def sentence(share: float, trouble: Mapping[str, Sequence[tuple[float, float]]],
             parts: int = 3, times: int = 3) -> str:
    """One sentence in plain words.

    share         of the poses that resemble no training pose, 0..1
    trouble       as `expected` gives
    parts, times  how many parts, and spans of a part, are named at most
    """
    if not share:
        return 'Each of these poses has one like it in the training video.'
    rounded = f'{100 * share:.0f} %' if share >= 0.01 else 'Fewer than 1 %'
    text = f'{rounded} of these poses have nothing like them in the training video'
    what = [f'{TROUBLE[part]} at {_listed(when, times)}'
            for part, when in list(trouble.items())[:parts]]
    return f'{text}; expect {_joined(what)}.' if what else f'{text}.'


def _listed(when: Sequence[tuple[float, float]], most: int) -> str:
    longest = sorted(sorted(when, key=lambda span: span[0] - span[1])[:most])
    named: list[list[int]] = []
    for start, end in longest:
        first, last = int(start), max(int(start) + 1, int(np.ceil(end - 1e-6)))
        if named and first <= named[-1][1]:             # otherwise one second is named twice
            named[-1][1] = max(last, named[-1][1])
        else:
            named.append([first, last])
    words = [f'{clock(a)}-{clock(b)}' for a, b in named]
    left = len(when) - len(longest)
    return _joined([*words, f'{left} more {"time" if left == 1 else "times"}'] if left else words)


def _joined(words: Sequence[str]) -> str:
    return ' and '.join(filter(None, [', '.join(words[:-1]), words[-1]])) if words else ''
