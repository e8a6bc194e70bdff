"""Making the package's layers known to Keras, without importing Keras for it.

Keras finds the custom layers of a saved model only where they were registered before. Importing
this package must not load Keras, so the layers are registered as soon as something else does.
"""

import contextlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def register_layers_with_keras() -> None:
    """Register the layers now, or once Keras has been imported."""
    if "keras" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _KerasWatcher())


def _register() -> None:
    # On another backend of Keras the layers cannot be used.
    with contextlib.suppress(RuntimeError):
        import_module("skmlclf.networks")


class _KerasWatcher:
    """An import hook that waits for Keras, and then removes itself."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "keras":
            return None
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            # It passes on what it does not have, so it is a loader by its methods alone.
            spec.loader = _RegisteringLoader(spec.loader)  # type: ignore[assignment]
        return spec


class _RegisteringLoader:
    """Keras' own loader, with the registration after it."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _register()
