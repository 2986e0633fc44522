"""Names of a namespace that are imported when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def later(space: dict[str, Any], homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return a module's ``__getattr__`` for names that live in other modules.

    Parameters
    ----------
    space : ``globals()`` of the module, where a name stays once it was asked for.
    homes : name → module that defines it; a module that ends in the name and has
        nothing of that name is what is meant itself.
    """

    def find(name: str) -> object:
        if name not in homes:
            own = space["__name__"]
            raise AttributeError(f"module {own!r} has no attribute {name!r}")
        home = import_module(homes[name])
        whole = homes[name].rpartition(".")[2] == name and not hasattr(home, name)
        found: object = home if whole else getattr(home, name)
        space[name] = found
        return found

    return find
