"""Aligned pairs with the frame before each, for models that learn how frames follow."""
import copy
from typing import Any

import numpy as np

from data.aligned_dataset import AlignedDataset


class SequenceDataset(AlignedDataset):
    """The folders of --dataset_mode aligned.

    An item has all keys of an aligned one, and:
        before_A, before_B, before_joints   A, B and joints of the frame before in the same shot,
                                            augmented, cropped and flipped exactly as A; at the
                                            start of a shot the item's own, as if nothing moved
        follows   float32 (1,)              1 where there is a frame before, else 0
    """

    def item(self, i: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        again = copy.deepcopy(rng)          # to make the same random choices once more
        item = super().item(i, rng)
        before = super().item(i - 1, again) if self.follows(i) else item
        follows = before is not item and before['A'].shape == item['A'].shape
        if not follows:
            before = item
        moved = {f'before_{key}': before[key] for key in ('A', 'B', 'joints') if key in item}
        return item | moved | {'follows': np.array([follows], np.float32)}
