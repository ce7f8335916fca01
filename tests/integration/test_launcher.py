"""`syndarix-obs run`: one record for each call, whichever way a program starts its processes; output and exit code are
its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ANSWER = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}).encode()  # fmt: skip

ASK = """
import openai, os
def ask():
    client = openai.OpenAI(base_url=os.environ["PROVIDER"], api_key="x")
    return client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])
"""


class Provider(BaseHTTPRequestHandler):
    """Answers every chat request alike."""

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with the programs, and the environment's provider."""
    (tmp_path / "asking.py").write_text(ASK)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "provider").write_text(f"http://127.0.0.1:{server.server_address[1]}")
    yield tmp_path
    server.shutdown()


def launch(place: Path, *command: str) -> subprocess.Popen[str]:
    """Start a program with `syndarix-obs run`."""
    environment = {
        **os.environ, "PROVIDER": (place / "provider").read_text(), "SYNDARIX_OBS_HOME": str(place / "home"),
        "PYTHONPATH": str(place),
    }  # fmt: skip
    start = [sys.executable, "-m", "syndarix_obs_read.cli", "run"]
    return subprocess.Popen(
        [*start, *command], cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def program(place: Path, text: str, name: str = "app.py") -> Path:
    """A program in the folder."""
    path = place / name
    path.write_text(textwrap.dedent(text))
    return path


def stored(place: Path, kind: str) -> int:
    """How many records of a kind the store holds, each counted once."""
    connection = sqlite3.connect(place / "home" / "store.sqlite3")
    try:
        statement = "SELECT count(DISTINCT record_id) FROM records WHERE kind = ?"
        found: int = connection.execute(statement, (kind,)).fetchone()[0]
        return found
    finally:
        connection.close()


@pytest.mark.parametrize("command", [(sys.executable, "app.py"), (sys.executable, "-m", "app"), ("app.py",)])
def test_a_program_is_recorded_and_keeps_its_output_and_exit_code(place: Path, command: tuple[str, ...]) -> None:
    program(place, "import sys\nfrom asking import ask\nprint(ask().choices[0].message.content)\nsys.exit(7)\n")
    done = launch(place, *command)
    output, errors = done.communicate(timeout=60)
    assert ("hello\n", "", 7) == (output, errors, done.returncode)
    assert (1, 1) == (stored(place, "llm_call"), stored(place, "session"))


def test_processes_of_multiprocessing_are_recorded_each(place: Path) -> None:
    program(place, """
        import multiprocessing, sys
        from asking import ask
        def work(_):
            ask()
        if __name__ == "__main__":
            for method in ("fork", "spawn"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    pool.map(work, range(4))
                    pool.close()
                    pool.join()
    """)  # fmt: skip
    done = launch(place, sys.executable, "app.py")
    _, errors = done.communicate(timeout=90)
    assert 0 == done.returncode, errors
    assert 8 == stored(place, "llm_call")


ASGI = """
    from asking import ask
    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        ask()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
"""
WSGI = """
    from asking import ask
    def app(environ, start_response):
        ask()
        start_response("200 OK", [])
        return [b"ok"]
"""


def free_port() -> int:
    """A port that nobody has right now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def get(url: str) -> bytes:
    """An answer of a server that may still be starting."""
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            if time.monotonic() > until:
                raise
            threading.Event().wait(0.1)


@pytest.mark.parametrize(
    ("server", "options"),
    [
        ("uvicorn", ("app:app", "--workers", "2", "--log-level", "error", "--port")),
        ("gunicorn", ("app:app", "--workers", "2", "--log-level", "error", "--bind")),
        ("gunicorn", ("app:app", "--workers", "2", "--preload", "--log-level", "error", "--bind")),
    ],
)
def test_each_request_of_a_server_with_workers_is_a_session_with_its_call(
    place: Path, server: str, options: tuple[str, ...]
) -> None:
    if find_spec(server) is None:
        pytest.skip(f"{server} is not installed")
    program(place, ASGI if server == "uvicorn" else WSGI)
    port = free_port()
    address = str(port) if server == "uvicorn" else f"127.0.0.1:{port}"
    running = launch(place, sys.executable, "-m", server, *options, address)
    try:
        assert [b"ok"] * 6 == [get(f"http://127.0.0.1:{port}/") for _ in range(6)]
    finally:
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=30)
    assert (6, 6) == (stored(place, "llm_call"), stored(place, "session"))


def test_a_program_that_is_not_there_says_so(place: Path) -> None:
    done = launch(place, "no-such-program")
    _, errors = done.communicate(timeout=30)
    assert (2, True) == (done.returncode, "no program 'no-such-program'" in errors)
