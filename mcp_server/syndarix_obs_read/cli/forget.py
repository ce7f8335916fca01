"""`syndarix-obs forget`: erases one user from the store."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from syndarix_obs_read.cli.confirming import confirm
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.prune import embedded_settings, report_removed, write_store


def forget(
    common: Common,
    user: Annotated[str, typer.Option(help="The user: the raw id or the pseudonym that answers show.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Erase what was recorded for one user; sums of cost stay, without the user."""
    from syndarix_obs.store.retention import forget_user
    from syndarix_obs_read.users import identity, pseudonym_of

    settings = embedded_settings(common, "forget")
    pseudonym = pseudonym_of(settings, user)
    confirm(yes, f"Erase everything recorded for {user} ({pseudonym}) in {settings.store_path}?")
    removed = write_store(settings, lambda connection: forget_user(connection, pseudonym))
    if pseudonym != user:
        identity(settings).forget(user)
    report_removed(common, {"user": pseudonym, **asdict(removed)}, "erased")
