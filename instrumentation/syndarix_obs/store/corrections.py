"""What a correction of the ledger changes in the records: a call that is set aside later becomes a plain span, one that
counts after all a call, and both know whom they belong to."""

from __future__ import annotations

from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.model import CostRecord
from syndarix_obs.store.schema import VOID_SUFFIX

_OF_CALL: Final = "ts_ns = ? AND record_id = ?"
_SET_ASIDE: Final = (
    f"UPDATE records SET kind = '{v.KIND_SPAN}', cost_usd = NULL, priced = NULL, extra = json_set("
    f"coalesce(extra, '{{}}'), '$.attributes', json_patch(coalesce(json_extract(extra, '$.attributes'), '{{}}'),"
    f" json_object('{v.SET_ASIDE_REASON}', ?, '{v.SET_ASIDE_BY}', ?, '{v.SET_ASIDE_TOKENS}', ?)))"
    f" WHERE {_OF_CALL} AND kind = '{v.KIND_LLM_CALL}'"
)
_COUNT: Final = (
    f"UPDATE records SET kind = '{v.KIND_LLM_CALL}', agent = ?, session_id = ?, project = ?, \"user\" = ?,"
    f" task_type = ?, operation = coalesce(operation, '{v.OPERATION_CHAT}'), provider = ?, model = ?, input_tokens = ?,"
    f" output_tokens = ?, cache_read_tokens = ?, cache_write_tokens = ?, reasoning_tokens = ?, estimated = ?,"
    f" priced = ?, cost_usd = ?, extra = json_remove(coalesce(extra, '{{}}'), '$.attributes.\"{v.SET_ASIDE_REASON}\"',"
    f" '$.attributes.\"{v.SET_ASIDE_BY}\"') WHERE {_OF_CALL}"
)


def of(line: CostRecord) -> tuple[str, tuple[Any, ...]] | None:
    """The statement that a line means for its record, None for a line that is no correction."""
    call, kind, rest = line.record_id.partition(":cost")
    if not kind or not rest:
        return None
    if not rest.endswith(VOID_SUFFIX):
        return _COUNT, (*_values(line), line.start_ns, call)
    if line.set_aside_reason == v.ASIDE_REVISED:
        return None
    tokens = f"{-_input(line)}+{-(line.tokens_output + line.tokens_reasoning)}"
    return _SET_ASIDE, (line.set_aside_reason, line.set_aside_by, tokens, line.start_ns, call)


def _input(line: CostRecord) -> int:
    return line.tokens_input + line.tokens_cache_read + line.tokens_cache_write


def _values(line: CostRecord) -> tuple[Any, ...]:
    cost = line.total_cost_usd
    return (
        line.agent, line.session_id, line.project, line.user, line.task_type, line.provider, line.model, _input(line),
        line.tokens_output + line.tokens_reasoning, line.tokens_cache_read, line.tokens_cache_write,
        line.tokens_reasoning, line.estimated, line.priced, None if cost is None else str(cost),
    )  # fmt: skip
