"""A report as PDF: its HTML printed by a browser of this machine, which may reach nothing while it does."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from syndarix_obs_read.errors import ReadError, UsageError

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
"""Browsers that can print, in the order in which they are looked for."""
_FLAGS: Final = (
    "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--no-first-run", "--no-pdf-header-footer", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
_PATIENCE_S: Final = 90


def as_pdf(html: str, browser: str | None = None) -> bytes:
    """The file's bytes.

    Args:
        html: the report.
        browser: path of the browser; the first that is on the PATH for None.

    Raises:
        UsageError: there is no browser that could print it.
        ReadError: it did not print.
    """
    found = browser or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise UsageError(
            f"a PDF is printed by a browser, and none of {', '.join(BROWSERS)} is on the PATH: install Chromium, or "
            "write report.html (-o report.html) and print it from any browser"
        )
    with tempfile.TemporaryDirectory(prefix="syndarix-obs-") as folder:
        page, target = Path(folder) / "report.html", Path(folder) / "report.pdf"
        page.write_text(html, encoding="utf-8")
        command = [found, *_FLAGS, f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", page.as_uri()]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # it refuses to start as root otherwise
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)  # noqa: S603 - a browser of the PATH, and files of our own
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ReadError(f"{found} printed no PDF: {error}; write report.html and print it by hand") from None
        if not target.is_file():
            said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise ReadError(f"{found} printed no PDF: {said[0]}; write report.html and print it by hand")
        return target.read_bytes()
