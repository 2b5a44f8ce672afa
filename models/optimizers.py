"""Loads the state of an optimizer, which another version, device or program may have saved."""
from typing import Any

import torch

MOMENTS = {'step', 'exp_avg', 'exp_avg_sq'}     # that Adam keeps of every weight


def load_optimizer(optimizer: Any, state: dict[str, Any]) -> None:
    """Load an optimizer's state, but not how it computes or how its memory is laid out. ValueError
    where it is of other weights.

    The run may resume on another path than it started on. load_state_dict would keep `fused` of
    the old path, and its strides, which fused Adam on a CPU takes for those of the parameters.
    """
    ways = [(group['fused'], group['foreach']) for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, (fused, foreach) in zip(optimizer.param_groups, ways):
        settings = group['lr'], group['eps'], group['weight_decay'], *group['betas']
        if len(settings) != 5 or not all(isinstance(value, (int, float)) for value in settings):
            raise ValueError('the settings of another optimizer')
        group['fused'] = fused
        group['foreach'] = foreach
    for parameter, moments in optimizer.state.items():
        if MOMENTS - moments.keys():
            raise ValueError('an optimizer without its moments')
        for key, value in moments.items():
            if value.shape == parameter.shape:
                moments[key] = torch.empty_like(parameter).copy_(value)
            elif value.ndim:
                raise ValueError('the moments of other weights')
