"""A report in the form that a file's name asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from syndarix_obs_read.errors import UsageError
from syndarix_obs_read.reporting.html import as_html
from syndarix_obs_read.reporting.markdown import as_markdown
from syndarix_obs_read.reporting.pdf import as_pdf

if TYPE_CHECKING:
    from syndarix_obs_read.answers.report import Report

SUFFIXES: Final = (".html", ".md", ".pdf")
"""What a report's name may end in."""


def written(report: Report, path: Path) -> bytes:
    """The bytes of the file. Raises UsageError for a name that says no form; see `as_pdf` for PDF."""
    suffix = check(path)
    if suffix == ".md":
        return as_markdown(report).encode()
    page = as_html(report)
    return page.encode() if suffix == ".html" else as_pdf(page)


def check(path: Path) -> str:
    """The form that a name asks for; raises UsageError when it asks for none."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{path.name} says no form: a report ends in {', '.join(SUFFIXES)}")
    return suffix
