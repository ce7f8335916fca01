"""Programs that answer `--version` and serve `/-/ready` like a server, for tests of the launcher itself."""

from __future__ import annotations

import shutil
import socket
import sys
from dataclasses import fields
from pathlib import Path

from syndarix_obs_stack.options import Options, Ports

ROOT = Path(__file__).parents[3]

SERVER = """#!{python}
import http.server, signal, sys
if "--version" in sys.argv:
    print("{version}")
    sys.exit(0)
if {broken}:
    print("cannot read my configuration")
    sys.exit(1)
if {stubborn}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
address = next(a.partition("=")[2] for a in sys.argv if a.startswith("--web.listen-address"))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(address.rpartition(":")[2])), Handler).serve_forever()
"""


def program(folder: Path, name: str, version: str, *, broken: bool = False, stubborn: bool = False) -> Path:
    """Write a program that looks like a server."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(SERVER.format(python=sys.executable, version=version, broken=broken, stubborn=stubborn))
    file.chmod(0o755)
    return file


def free_options(folder: Path, **environment: str) -> Options:
    """The repository's files with data, secrets and free ports of their own."""
    names = [each.name for each in fields(Ports)]
    sockets = [socket.socket() for _ in names]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = Ports(**{name: each.getsockname()[1] for name, each in zip(names, sockets, strict=True)})
    for each in sockets:
        each.close()
    (folder / "secrets").mkdir(exist_ok=True)
    return Options(ROOT, folder / "data", folder / "secrets", ports, environment)


def repository(folder: Path) -> Path:
    """A copy of the configuration that a test may spoil."""
    for name in ("prometheus", "alertmanager", "loki", "tempo"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / ".env.example", folder)
    return folder
