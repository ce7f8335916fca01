"""Calls a function when a module has been imported, without importing it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from syndarix_obs.guard import guarded

Hook = Callable[[ModuleType], Any]


class AfterImport(MetaPathFinder):
    """Put on `sys.meta_path`; finds modules as Python would, and adds a call to their loading.

    Args:
        hooks: by name of module; each is called once, in the thread that imports the module, right after its code ran.
    """

    def __init__(self, hooks: dict[str, Hook]) -> None:
        self._hooks = hooks

    def install(self) -> None:
        """Wait for the modules; those that are there already are handled now."""
        for name in [name for name in self._hooks if name in sys.modules]:
            with guarded("launcher"):
                self._hooks.pop(name)(sys.modules[name])
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module that is waited for, with the call added; None for every other module."""
        hook = self._hooks.pop(fullname, None)
        if hook is None:
            return None
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return spec
        spec.loader = _Hooked(spec.loader, hook)
        return spec


class _Hooked(Loader):
    """A loader that calls a function after the module's own code."""

    def __init__(self, loader: Any, hook: Hook) -> None:
        self._loader = loader
        self._hook = hook

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the loader does."""
        found: ModuleType | None = self._loader.create_module(spec)
        return found

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code, give it its own loader back, call the function."""
        self._loader.exec_module(module)
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        with guarded("launcher"):
            self._hook(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
