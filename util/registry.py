"""A folder is a registry: every file whose name ends right is one more choice of a flag."""
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Generic, TypeVar

from util.errors import UserError, unknown_choice, warn

T = TypeVar('T')


class Registry(Generic[T]):
    """The choices of one flag: each a file of one package that holds one subclass of `base`.

    flag      e.g. '--model'
    package   e.g. 'models'; its folder is searched, or all of its __path__
    suffix    the end of a file's name, after the name of the choice; e.g. '_model'
    base      the name of the base class, which the package's `base` file defines
    absent    {a choice of the projects that users come from: what to type here}
    """

    def __init__(self, flag: str, package: str, suffix: str, base: str,
                 absent: Mapping[str, str] | None = None):
        self.flag = flag
        self.package = package
        self.suffix = suffix
        self.base = base
        self.absent = absent or {}

    def names(self) -> list[str]:
        """All choices, sorted."""
        folders = importlib.import_module(self.package).__path__
        files = (f for folder in folders for f in Path(folder).glob(f'*{self.suffix}.py'))
        names = (f.stem.removesuffix(self.suffix) for f in files if not f.stem.startswith('_'))
        return sorted(n for n in names if n != 'base')

    def find(self, name: str) -> type[T]:
        """The class of that name; the UserError lists the choices and suggests the closest."""
        if name in self.absent and name not in self.names():
            raise UserError(f'{self.flag} {name}: {self.absent[name]}.')
        if name not in self.names():
            raise unknown_choice(self.flag, name, self.names(),
                                 f'{self.package.replace(".", "/")}/{{}}{self.suffix}.py')
        base = getattr(importlib.import_module(f'{self.package}.base{self.suffix}'), self.base)
        module = importlib.import_module(f'{self.package}.{name}{self.suffix}')
        found = [c for c in vars(module).values() if isinstance(c, type)
                 and issubclass(c, base) and c.__module__ == module.__name__]
        assert len(found) == 1, f'{module.__name__} must define one {self.base}, not {len(found)}'
        return found[0]

    def importable(self) -> dict[str, type[T]]:
        """{name: class} of all choices, without those whose file cannot be imported: somebody's
        unfinished file must not end a call that does not ask for it."""
        kinds = {}
        for name in self.names():
            try:
                kinds[name] = self.find(name)
            except Exception as error:      # a file can fail in any way
                warn(f'{self.package}.{name}{self.suffix} cannot be imported and is left out: '
                     f'{type(error).__name__}: {error}')
        return kinds
