"""Builds the site with strict links into site/VERSION; site/index.html leads to the newest version.

    python docs/site.py [--to site]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from syndarix_obs import __version__

ROOT = Path(__file__).resolve().parents[1]
_REDIRECT = '<!doctype html><meta http-equiv="refresh" content="0; url={0}/"><a href="{0}/">{0}</a>\n'


def main() -> int:
    """Build; a broken link fails it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=ROOT / "site", help="folder of all versions (default: site)")
    to: Path = parser.parse_args().to
    # Not --quiet: that would also keep strict mode from seeing a warning.
    folder = (to / __version__).resolve()
    done = subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        _list_versions(to)
        sys.stdout.write(f"{to / __version__ / 'index.html'}\n")
    return done.returncode


def _list_versions(to: Path) -> None:
    """What the version menu offers, newest first, and the page that leads to the newest."""
    found = sorted((path.parent.name for path in to.glob("*/sitemap.xml")), key=_order, reverse=True)
    versions = [{"version": name, "title": name, "aliases": ["latest"] if name == found[0] else []} for name in found]
    (to / "versions.json").write_text(json.dumps(versions, indent=2) + "\n", encoding="utf-8")
    (to / "index.html").write_text(_REDIRECT.format(found[0]), encoding="utf-8")


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


if __name__ == "__main__":
    sys.exit(main())
