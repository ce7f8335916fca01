"""The archives of a home folder: the one of the settings, and every other that its days were ever moved to."""

from __future__ import annotations

from syndarix_obs_read.archive.move import WORK
from syndarix_obs_read.archive.place import ArchivePlace
from syndarix_obs_read.archive.seals import Seals, addresses
from syndarix_obs_read.settings import ReadSettings

FOLDER = "archive"
"""Folder in the home folder, unless the settings name another place."""


def address_of(settings: ReadSettings, given: str | None = None) -> str:
    """Where days are moved to: what was given, else the settings' place; a folder as an absolute path."""
    text = given or settings.archive or str(settings.home / FOLDER)
    return ArchivePlace(text, settings.home / WORK).address


def known_archives(settings: ReadSettings) -> list[Seals]:
    """All of them, the settings' first. Raises UsageError when one needs a package that is not installed."""
    own = [settings.archive] if settings.archive else []
    found = dict.fromkeys([*(address_of(settings, each) for each in own), *addresses(settings.home)])
    return [Seals(settings.home, ArchivePlace(each, settings.home / WORK)) for each in found]
