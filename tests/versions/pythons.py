"""Runs the tests of the inner loop on every Python that this machine has: `make test-python`.

    python tests/versions/pythons.py              each version in the classifiers of pyproject.toml
    python tests/versions/pythons.py 3.12 3.13    these

One environment per version, kept in `.venv-python/` and made anew when pyproject.toml or constraints.txt changed. A
version that this machine lacks is named and is no failure.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from environments import CHECK, ROOT, Environment, classified_versions

PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))


def candidates(version: str) -> Iterator[str]:
    """Where an interpreter of this version may be: on the PATH, of pyenv, of uv, of Homebrew."""
    if found := shutil.which(f"python{version}"):
        yield found
    folders = [PYENV / "versions", Path.home() / ".local/share/uv/python", Path("/opt/homebrew/bin")]
    names = [f"{version}*/bin/python3", f"cpython-{version}*/bin/python3", f"python{version}"]
    for folder, name in zip(folders, names, strict=True):
        yield from (str(path) for path in sorted(folder.glob(name), reverse=True))


def interpreter(version: str) -> str | None:
    """The first that starts, says it is this version, and can make environments; None without one.

    A shim of pyenv is on the PATH for versions that are not switched on, and ends with an error.
    """
    question = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    for path in candidates(version):
        done = subprocess.run([path, "-c", question], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return path
    return None


def tested(version: str, python: str) -> bool:
    """Whether the tests pass on this version."""
    environment = Environment(ROOT / ".venv-python" / version, python)
    environment.install("-c", "constraints.txt", "--no-build-isolation", "--editable", ".[server,instrument,dev]",
                        before=("-c", "constraints.txt", "hatchling", "editables"))  # fmt: skip
    return environment.test(*CHECK)


def main(wanted: Sequence[str]) -> int:
    """Test each version that is here; returns the exit status."""
    versions = list(wanted) or classified_versions()
    if wrong := [version for version in versions if not re.fullmatch(r"3\.\d+", version)]:
        sys.stderr.write(f"Not a version: {', '.join(wrong)}. Say 3.12, for example.\n")
        return 2
    results = {}
    for version in versions:
        python = interpreter(version)
        results[version] = "missing on this machine" if python is None else (
            "passed" if tested(version, python) else "FAILED"
        )  # fmt: skip
    sys.stdout.write("".join(f"Python {version}: {result}\n" for version, result in results.items()))
    return 1 if "FAILED" in results.values() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
