"""What is lost and what comes twice when something goes wrong: 3,000 calls for each fault, counted afterwards.

    python benchmarks/faults.py [--calls 3000] [--only NAME]

Programs record model calls into the SQLite file, to Loki and over OTLP. While they do, the servers misbehave, or the
programs are ended by a signal, or the machine is busy. Then all is well, one more program lets the spool drain, and
every call is looked for: in the store, and in what the servers took. `kill -9` is the one fault with a promise above 0:
what ended in the last second may be missing.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import results
from sink import deliveries

HERE = Path(__file__).resolve()
ILL_FOR_S: Final = 4.0
PATIENCE_S: Final = 60.0
SEND_TIMEOUT_S: Final = "2"


class Server:
    """Loki and an OTLP server in one, that misbehaves as it is told."""

    def __init__(self) -> None:
        self.mode = "well"
        self.taken: list[tuple[str, str, bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                server.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Stay quiet."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that went away is part of the trial."""

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """One request."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        mode = self.mode
        if mode in {"well", "answer lost"}:
            self.taken.append((handler.path, handler.headers.get("Content-Encoding", ""), body))
        if mode == "hangs":
            time.sleep(PAUSE_S)
        if mode == "drips":
            handler.wfile.write(b"HTTP/1.1 503 Busy\r\n")
            for _ in range(200):
                handler.wfile.write(b"X-Drip: y\r\n")
                time.sleep(0.1)
        if mode in {"resets", "answer lost", "hangs", "drips"}:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
            return
        status, text, kind = _ANSWERS.get(mode, (204 if handler.path.endswith("/push") else 200, b"", ""))
        handler.send_response(status)
        if kind:
            handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def calls(self) -> tuple[Counter[str], Counter[str]]:
        """How often each call came: as a Loki line, and as a span."""
        found = deliveries(list(self.taken))
        return Counter(found.get("calls", {})), Counter(found.get("span", {}))

    def close(self) -> None:
        """End."""
        self._http.shutdown()
        self._http.server_close()


PAUSE_S: Final = 30.0
_ANSWERS: Final[dict[str, tuple[int, bytes, str]]] = {
    "400 to everything": (400, b"no", ""),
    "413 to everything": (413, b"no", ""),
    "429 to everything": (429, b"slow down", ""),
    "500 to everything": (500, b"no", ""),
    "login page": (200, b"<html>sign in</html>", "text/html"),
}
ILL: Final = ("hangs", "drips", "resets", "answer lost", *_ANSWERS)


def child(how: str, run: str, calls: str) -> None:
    """A program that records."""
    import multiprocessing

    from syndarix_obs import ObservabilityPlatform

    obs = ObservabilityPlatform.from_env()

    def record(number: int) -> None:
        messages = [{"role": "user", "content": "what was said " * 20}]
        with obs.llm(provider="openai", model="gpt-4o-mini", messages=messages) as call:
            call.response("yes", usage={"input_tokens": 80, "output_tokens": 8}, response_id=f"{run}-{number}")

    if how == "pool":
        with multiprocessing.get_context("fork").Pool(4) as pool:
            pool.map(_Call(record), range(int(calls)))
        return
    pause = ILL_FOR_S / int(calls) if how == "slowly" else 0.0
    for number in range(int(calls)):
        record(number)
        time.sleep(pause)
    if how == "wait":
        print("ready", flush=True)
        time.sleep(PATIENCE_S)
    if how == "drain":
        obs.flush(PATIENCE_S)
        obs.shutdown(PATIENCE_S)


class _Call:
    """What a forked pool can hand over: the work is found in the child's copy of the parent."""

    work: Callable[[int], None]

    def __init__(self, work: Callable[[int], None]) -> None:
        _Call.work = work

    def __call__(self, number: int) -> None:
        _Call.work(number)

    def __reduce__(self) -> Any:
        return _Same, ()


def _Same() -> Callable[[int], None]:
    return _Call.work


class Trial:
    """One home, one server, and programs."""

    def __init__(self, home: str, calls: int) -> None:
        self.home, self.calls, self.server = Path(home), calls, Server()
        self.expected: set[str] = set()
        self._runs = 0

    def start(self, how: str, calls: int) -> subprocess.Popen[str]:
        """Start a program that records so many calls."""
        run = f"run{self._runs}"
        self._runs += 1
        self.expected |= {f"{run}-{number}" for number in range(calls)}
        env = {**os.environ, "SYNDARIX_OBS_HOME": str(self.home), "SYNDARIX_OBS_BACKEND": "both",
               "SYNDARIX_OBS_LOKI_URL": self.server.url, "SYNDARIX_OBS_OTLP_ENDPOINT": self.server.url,
               "SYNDARIX_OBS_SEND_TIMEOUT": SEND_TIMEOUT_S}  # fmt: skip
        command = [sys.executable, str(HERE), "--child", how, run, str(calls)]
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def verdict(self) -> dict[str, Any]:
        """Drain, and look for every call."""
        self.server.mode = "well"
        self.start("drain", 1).wait(PATIENCE_S * 3)
        deadline = time.monotonic() + PATIENCE_S
        while len(self.server.calls()[0]) < len(self.expected) and time.monotonic() < deadline - PATIENCE_S + 3:
            time.sleep(0.1)
        lines, spans = self.server.calls()
        stored = self._stored()
        return {
            "calls": len(self.expected),
            "lost in the store": len(self.expected - set(stored)),
            "twice in the store": sum(count > 1 for count in stored.values()),
            "lost on the way to Loki": len(self.expected - set(lines)),
            "twice at Loki": sum(count > 1 for count in lines.values()),
            "lost over OTLP": len(self.expected) - len(spans),
            "twice over OTLP": sum(count > 1 for count in spans.values()),
        }

    def _stored(self) -> Counter[str]:
        from syndarix_obs.store.database import open_for_read
        from syndarix_obs.store.location import store_path

        reader = open_for_read(store_path(self.home))
        rows = reader.execute("SELECT json_extract(extra, '$.response_id') FROM records WHERE kind='llm_call'")
        found = Counter(str(row[0]) for row in rows)
        reader.close()
        return found


def ill(mode: str) -> Callable[[Trial], None]:
    """The servers misbehave for as long as the program records, and a while longer."""

    def trial(one: Trial) -> None:
        one.server.mode = mode
        one.start("slowly", one.calls).wait(PATIENCE_S)

    return trial


def ended_by(number: int) -> Callable[[Trial], None]:
    """A signal right after the last call."""

    def trial(one: Trial) -> None:
        program = one.start("wait", one.calls)
        assert program.stdout is not None
        program.stdout.readline()
        if number == signal.SIGKILL:
            time.sleep(1.0)  # the promise: at most the last second is missing
        program.send_signal(number)
        program.wait(PATIENCE_S)

    return trial


def pool(one: Trial) -> None:
    """`with multiprocessing.Pool(4)`, whose end is a SIGTERM."""
    one.start("pool", one.calls).wait(PATIENCE_S)


def four_at_once(one: Trial) -> None:
    """Four programs share the folder."""
    for program in [one.start("just", one.calls // 4) for _ in range(4)]:
        program.wait(PATIENCE_S)


def short_on_a_busy_machine(one: Trial) -> None:
    """Ten short programs while every processor is taken twice."""
    with _busy():
        for _ in range(5):
            for program in [one.start("just", one.calls // 10) for _ in range(2)]:
                program.wait(PATIENCE_S)


@contextmanager
def _busy() -> Iterator[None]:
    spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


TRIALS: Final[dict[str, Callable[[Trial], None]]] = {
    **{f"servers: {mode}": ill(mode) for mode in ILL},
    "SIGTERM": ended_by(signal.SIGTERM),
    "SIGHUP": ended_by(signal.SIGHUP),
    "kill -9, a second after the last call": ended_by(signal.SIGKILL),
    "multiprocessing.Pool as a context manager": pool,
    "four programs share the folder": four_at_once,
    "ten short programs on a busy machine": short_on_a_busy_machine,
}


def main() -> None:
    """See the module's text."""
    if "--child" in sys.argv:
        child(*sys.argv[2:])
        return
    options: argparse.ArgumentParser = results.parser(__doc__)
    options.add_argument("--calls", type=int, default=3_000)
    options.add_argument("--only", default="", help="trials whose name has this in it")
    chosen = options.parse_args()
    found = {}
    for name, trial in TRIALS.items():
        if chosen.only in name:
            with tempfile.TemporaryDirectory() as home:
                one = Trial(home, chosen.calls)
                trial(one)
                found[name] = one.verdict()
                one.server.close()
            print(name, found[name], flush=True)
    results.save(chosen.json, found)


if __name__ == "__main__":
    main()
