"""The parsed options, which every layer may read. options/ declares the flags."""
import argparse
from typing import Any


class Options(argparse.Namespace):
    """The options as attributes; frozen after parsing."""

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get('_frozen'):
            raise AttributeError(f'options are frozen: {name} cannot be set after parsing')
        super().__setattr__(name, value)

    def freeze(self) -> 'Options':
        self.__dict__['_frozen'] = True
        return self

    def but(self, **values: Any) -> 'Options':
        """A copy with other values for some options."""
        return Options(**vars(self) | {'_frozen': False} | values).freeze()

    def facts(self) -> dict[str, Any]:
        """Every option by name, ready for JSON."""
        return {k: v for k, v in sorted(vars(self).items()) if k not in ('_frozen', 'isTrain')}
