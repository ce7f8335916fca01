"""Imported by Python at its start because `syndarix-obs run` put this folder first; then the one that it hides."""

import sys


def _start() -> None:
    try:
        from syndarix_obs.launcher.start import start
    except ImportError as error:
        sys.stderr.write(f"syndarix-obs: this Python cannot record ({error}): pip install syndarix-obs into it\n")
        return
    start()


def _hidden() -> None:
    """Import the `sitecustomize` of the environment, which this one stands before."""
    import importlib
    from pathlib import Path

    own = str(Path(__file__).parent)
    path, module = list(sys.path), sys.modules.pop("sitecustomize", None)
    sys.path[:] = [each for each in path if each != own]
    try:
        importlib.import_module("sitecustomize")
    except ImportError:
        if module is not None:
            sys.modules["sitecustomize"] = module
    finally:
        sys.path[:] = path


_hidden()
_start()
