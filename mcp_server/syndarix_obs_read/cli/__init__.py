"""`syndarix-obs`: every answer on the command line.

Exit codes: 0 the question was answered (an empty list is an answer), 1 it could not be (nothing has that id, no store,
a backend is down or is not the stack, the pipeline is failing), 2 the question itself is wrong, 130 interrupted.
Answers go to standard output, everything else to standard error. On a terminal answers are tables and trees in colour
that fit its width; piped they are plain text, one row a line, with full ids (FORCE_COLOR=1 draws as on a terminal, for
a pager). `--json` prints the answer's model, amounts as strings of plain digits.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit.

    Args:
        arguments: those of the command line when omitted.
    """
    from syndarix_obs_read.cli.run import run

    raise SystemExit(run(arguments))
