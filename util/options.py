"""What was asked for, as every layer may read it. options/ says which flags there are."""
import argparse
from typing import Any


class Options(argparse.Namespace):
    """What was asked for: read as attributes, never changed after parsing."""

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get('_frozen'):
            raise AttributeError(f'options are frozen: {name} cannot be set after parsing')
        super().__setattr__(name, value)

    def freeze(self) -> 'Options':
        self.__dict__['_frozen'] = True
        return self

    def but(self, **values: Any) -> 'Options':
        """The same options with other values for some."""
        return Options(**vars(self) | {'_frozen': False} | values).freeze()

    def facts(self) -> dict[str, Any]:
        """Every option by name, as JSON keeps it."""
        return {k: v for k, v in sorted(vars(self).items()) if k not in ('_frozen', 'isTrain')}
