"""What goes over to a new value little by little, without looking ahead."""
import numpy as np


class Eased:
    """Values by name that follow what they are given, as a low-pass filter of first order does."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[float, np.ndarray]] = {}

    def __call__(self, name: str, value: np.ndarray, time: float, seconds: float) -> np.ndarray:
        """The value of that name at that time, s; the first one is taken as it is.

        seconds   in which it goes 63 % of its way
        """
        before, last = self.known.get(name, (time, value))
        share = 1 - np.exp(-max(time - before, 0.0) / seconds)
        eased = last + share * (value - last)
        self.known[name] = time, eased
        return np.asarray(eased)
