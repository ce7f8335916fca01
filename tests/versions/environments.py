"""An environment to test in, and what `make check` tests: shared by the scripts of this folder."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
CHECK: Final = (
    "tests/unit/spans", "tests/unit/records", "tests/unit/pipeline", "tests/unit/pricing", "tests/unit/redaction",
    "tests/unit/read", "tests/contract/test_import_rules.py", "tests/contract/test_catalogue.py",
)  # fmt: skip
"""The tests of `make check`."""


def project() -> dict[str, Any]:
    """The project table of pyproject.toml."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def classified_versions() -> list[str]:
    """The versions of Python that the classifiers name, and those that the next release should."""
    found = [re.fullmatch(r".* :: Python :: (3\.\d+)", line) for line in project()["classifiers"]]
    return [*(match[1] for match in found if match), "3.14"]


class Environment:
    """A virtual environment that is made again when what it was made from has changed.

    Args:
        folder: where it is.
        python: the interpreter that makes it.
    """

    def __init__(self, folder: Path, python: str) -> None:
        self.folder = folder
        self.python = str(folder / "bin" / "python")
        self._maker = python

    def install(self, *what: str, before: Sequence[str] = ()) -> None:
        """Have pip install this, after `before`; does nothing when it was done before.

        Raises:
            subprocess.CalledProcessError: an install failed; pip has said why.
        """
        files = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
        wanted = hashlib.sha256(repr((self._maker, what, before, files)).encode()).hexdigest()
        done = self.folder / ".done"
        if done.exists() and done.read_text() == wanted:
            return
        print(f"Creating {self.folder.relative_to(ROOT)} …", flush=True)
        subprocess.run([self._maker, "-m", "venv", "--clear", str(self.folder)], check=True)
        for arguments in filter(None, (before, what)):
            self.pip("install", "--quiet", *arguments)
        done.write_text(wanted)

    def pip(self, *arguments: str) -> None:
        """Run pip in the clone's folder."""
        command = [self.python, "-m", "pip", "--disable-pip-version-check", *arguments]
        subprocess.run(command, cwd=ROOT, check=True)

    def test(self, *tests: str) -> bool:
        """Whether these tests pass; what pytest says is shown."""
        version = subprocess.run([self.python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        print(f"{version} in {self.folder.relative_to(ROOT)}", flush=True)
        command = [
            self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not real_servers and not slow", *tests,
        ]  # fmt: skip
        return subprocess.run(command, cwd=ROOT, check=False).returncode == 0
