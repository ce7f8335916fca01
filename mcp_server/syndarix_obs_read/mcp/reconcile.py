"""The tool about the provider's bill."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from syndarix_obs_read.answers import reconcile as reconcile_answer
from syndarix_obs_read.answers.bill import Reconciliation
from syndarix_obs_read.bills.sources import open_bill
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_ROWS: Final = 20


async def reconcile_bill(
    ctx: Ctx,
    provider: Annotated[Literal["openai", "anthropic"], Field(description="Whose bill.")],
    month: Annotated[
        str | None, Field(max_length=40, description="A month of UTC days, such as 2026-11. Default: the current one.")
    ] = None,
    watched: Annotated[
        list[Annotated[str, Field(max_length=300)]] | None,
        Field(max_length=50, description="Keys and projects that are recorded here; unless given, they are found out."),
    ] = None,
    limit: a.Limit = None,
) -> Reconciliation:
    """The ledger against the provider's own bill, read with the admin key of the settings: by UTC day and model, tokens
    first, each difference with its cause (price list, unseen key, tier, batch, late report, …). Say the `sentence`
    first. What was seen by agent or project is get_cost_summary's."""
    state = state_of(ctx)
    return await reconcile_answer.reconcile(
        state.backend, open_bill(state.settings, provider), provider, month, watched=watched or (),
        prices_file=state.settings.prices_file, limit=limit or _ROWS,
    )  # fmt: skip


TOOLS: Final = (ToolSpec(reconcile_bill, "Reconcile a bill", "a lower limit"),)
