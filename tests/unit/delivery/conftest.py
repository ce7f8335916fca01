"""Fixtures: a scripted server, spools in a fresh folder, and destinations that send to the server."""

from __future__ import annotations

from sink_fixtures import *  # noqa: F403 - fixtures are found by their names
