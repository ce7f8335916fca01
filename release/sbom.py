"""Writes the list of all software that an installed release brings along (SBOM): part of `make dist`.

    python release/sbom.py PYTHON FILE

PYTHON is the interpreter of an environment into which the wheel was installed. The list is CycloneDX 1.6 in JSON, of
what pip installed and of the files of others that lie in our wheel. The same environment gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
VENDOR: Final = ROOT / "mcp_server" / "syndarix_obs_read" / "web" / "static" / "vendor"
_SPECIFICATION: Final = "1.6"


@dataclass(frozen=True)
class Vendored:
    """Software of others whose files lie in `VENDOR`."""

    name: str
    version: str
    licence: str
    licence_file: str
    files: tuple[str, ...]

    def component(self) -> dict[str, Any]:
        """As CycloneDX writes it."""
        purl = f"pkg:npm/{self.name}@{self.version}"
        return {
            "type": "library", "bom-ref": purl, "purl": purl, "name": self.name, "version": self.version,
            "licenses": [{"license": {"id": self.licence}}],
            "components": [self._file(name) for name in self.files],
        }  # fmt: skip

    def _file(self, name: str) -> dict[str, Any]:
        content = hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()
        return {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": content}]}


VENDORED: Final = (
    Vendored("uplot", "1.6.32", "MIT", "uPlot-LICENSE.txt", ("uPlot.iife.min.js", "uPlot.min.css")),
)  # fmt: skip
"""All of them; a test holds this to what lies there."""


def complete(bom: dict[str, Any], version: str) -> dict[str, Any]:
    """The list with our version as its subject, and with what is vendored."""
    bom["metadata"]["component"] |= {"version": version, "purl": f"pkg:pypi/syndarix-obs@{version}"}
    brought = [each for each in bom["components"] if each["name"] not in {"syndarix-obs", "pip"}]
    bom["components"] = [*brought, *(each.component() for each in VENDORED)]
    return bom


def installed(python: str) -> dict[str, Any]:
    """What cyclonedx-py finds in an environment.

    Raises:
        subprocess.CalledProcessError: it failed, and has said why.
    """
    command = [
        sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", str(ROOT / "pyproject.toml"),
        "--mc-type", "application", "--spec-version", _SPECIFICATION, "--output-reproducible", python,
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own arguments
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def broken(text: str) -> str | None:
    """What the schema of CycloneDX objects to; None for nothing."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    found = JsonStrictValidator(SchemaVersion.from_version(_SPECIFICATION)).validate_str(text)
    return None if found is None else str(found)


def main(python: str, file: str) -> int:
    """Write the list; returns the exit status."""
    asked = [python, "-c", "import importlib.metadata as m; print(m.version('syndarix-obs'))"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - given by make
    bom = complete(installed(python), version)
    text = json.dumps(bom, indent=2, sort_keys=True) + "\n"
    if objection := broken(text):
        sys.stderr.write(f"The list breaks the schema of CycloneDX {_SPECIFICATION}: {objection}\n")
        return 1
    Path(file).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{file}: {len(bom['components'])} components of syndarix-obs {version}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
