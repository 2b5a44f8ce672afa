"""Long hair that hangs over the back: it goes with the head, not with the trunk that it covers.

Seen from behind, a head's own joints say nothing of where its hair ends; colours do. A pixel is
hair that looks more like the head than like the lower trunk, and hangs together with the head.

Shape letters: P pixels, C channels, h w pixels of a frame.
"""
import cv2
import numpy as np

LOOKS = 3               # colours of a head or of clothes: hair, hat and ribbon; folds in two lights
MANY = 300              # pixels are enough to know them by
FEWEST = 12             # pixels that say how head and clothes look
NEARER = 0.8            # of the distance to the clothes' colours: hair is clearly nearer than that
LIKE = 0.2              # of the range of colours: what is farther from the head's is a sleeve
APART = 0.15            # of the range of colours: hair closer to the clothes than that is not seen


def hair(colours: np.ndarray, head: np.ndarray, clothes: np.ndarray, where: np.ndarray
         ) -> np.ndarray:
    """bool (h, w): the hair among the pixels `where` it may hang.

    colours   float32 (h, w, C) 0..1
    head      bool (h, w): what is surely the head
    clothes   bool (h, w): what is surely no hair
    """
    none = np.zeros(head.shape, bool)
    if min(head.sum(), clothes.sum()) < FEWEST:
        return none
    asked = colours[where][:, None]
    away = []
    for known in (colours[head], colours[clothes]):
        away.append(np.abs(asked - usual_colours(known)).max(-1).min(-1))
    like = none.copy()
    like[where] = (away[0] < np.minimum(NEARER * away[1], LIKE)) & (away[1] > APART)
    like = cv2.morphologyEx(like.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    _, pieces = cv2.connectedComponents((like | head).astype(np.uint8))
    return like & np.isin(pieces, np.unique(pieces[head]))


def usual_colours(colours: np.ndarray) -> np.ndarray:
    """float32 (up to LOOKS, C): the colours that (P, C) are mostly of."""
    colours = colours[::-(-len(colours) // MANY)]
    count = min(LOOKS, len(colours))
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 1e-3)
    cv2.setRNGSeed(0)
    labels = np.zeros((len(colours), 1), np.int32)
    found = cv2.kmeans(np.ascontiguousarray(colours), count, labels, criteria, 1,
                       cv2.KMEANS_PP_CENTERS)
    return np.asarray(found[2])
