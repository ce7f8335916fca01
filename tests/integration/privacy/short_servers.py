"""Loki, Tempo and Prometheus from the repository's files, with periods of seconds instead of hours."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from syndarix_obs_stack.launcher import Stack, running_stack
from syndarix_obs_stack.options import Options, Ports

ROOT = Path(__file__).parents[3]
_LOKI = (
    ("  delete_request_cancel_period: 3h", "  delete_request_cancel_period: 20s\n  compaction_interval: 10s\n"
     "  retention_delete_delay: 1s"),
    ("ingester:\n", "ingester:\n  wal: {checkpoint_duration: 5s}\n"),
)  # fmt: skip
_TEMPO = (
    ("storage:\n  trace:\n", "storage:\n  trace:\n    blocklist_poll: 3s\n"),
    ("  flush_check_period: 1s", "  flush_check_period: 1s\n  max_block_duration: 5s\n  complete_block_timeout: 10s\n"
     "  block_reclaim_grace: 1s\n  commit_interval: 1s"),
    ("backend_worker:\n", "backend_worker:\n  compaction: {compacted_block_retention: 3s, compaction_cycle: 5s}\n"),
    ("backend_scheduler:\n", "backend_scheduler:\n  maintenance_interval: 5s\n  provider:\n"
     "    retention: {interval: 5s}\n    compaction:\n      compaction: {compacted_block_retention: 3s}\n"
     "      measure_interval: 5s\n      min_cycle_interval: 5s\n"),
)  # fmt: skip


@contextmanager
def short_servers(folder: Path, only: Sequence[str], *, days: int = 30, loki_limits: str = "") -> Iterator[Stack]:
    """Some of the servers for the length of a block.

    Args:
        folder: for their files.
        only: names of those that are wanted.
        days: that they keep data.
        loki_limits: further lines of YAML for Loki's `limits_config`, indented by two.
    """
    root, secrets = folder / "root", folder / "secrets"
    secrets.mkdir(parents=True)
    for name in ("loki", "tempo", "prometheus", "alertmanager"):
        shutil.copytree(ROOT / name, root / name)
    _change(root / "loki" / "loki.yml", (*_LOKI, ("limits_config:\n", f"limits_config:\n{loki_limits}")))
    _change(root / "tempo" / "tempo.yml", _TEMPO)
    options = Options(root, folder / "data", secrets, _free_ports(), {"RETENTION_DAYS": str(days)})
    with running_stack(options, only=only) as stack:
        yield stack


def _change(path: Path, changes: tuple[tuple[str, str], ...]) -> None:
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text, f"{path.name} has no {old!r} any more"
        text = text.replace(old, new, 1)
    path.write_text(text, "utf-8")


def _free_ports() -> Ports:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in fields(Ports)]
    ports = Ports(**{each.name: s.getsockname()[1] for each, s in zip(fields(Ports), sockets, strict=True)})
    for each in sockets:
        each.close()
    return ports
