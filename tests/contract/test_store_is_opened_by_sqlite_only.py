"""Closing a descriptor of the live SQLite file drops this process's locks on it: none of our code may open one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EVERYTHING = """
import contextlib, io, sys
opened = []

def note(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        name = arguments[0] if isinstance(arguments[0], str) else arguments[0].decode()
        if name.endswith((".sqlite3", ".sqlite", "-wal", "-shm", "-journal")):
            opened.append(name)

from pathlib import Path
from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.cli.run import run

sys.addaudithook(note)
home = sys.argv[1]
for _ in range(2):
    obs = ObservabilityPlatform(Settings(home=Path(home), set_global=False))
    with obs.session(agent="a", user="ada"):
        pass
    assert obs.flush()
with contextlib.redirect_stdout(io.StringIO()) as said:
    for command in (
        ["health"], ["traces"], ["doctor"], ["doctor", "--repair"], ["prune", "--before", "7d", "-y"],
        ["forget", "--user", "ada", "-y"], ["logs"], ["costs"],
    ):
        code = run([*command, "--home", home])
        assert code == 0, (command, code, said.getvalue())
obs.shutdown()
print(opened)
"""


def test_whatever_is_done_with_a_store_no_descriptor_of_it_is_opened_beside_sqlite(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EVERYTHING, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (0, "[]") == (done.returncode, done.stdout.strip()), done.stderr
