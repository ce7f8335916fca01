"""Start and stop servers as ordinary processes of this user, on loopback, with their data in one folder."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from syndarix_obs_stack import check, grafana, render, secret_files
from syndarix_obs_stack.options import HOST, Options
from syndarix_obs_stack.problems import Problem, StackError
from syndarix_obs_stack.servers import SERVERS, Found, Server, find

READY_SECONDS = 60.0
"""How long a server may take to be ready; Loki needs about 10."""
_INHERITED = ("PATH", "HOME", "TZ", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class Stack:
    """The servers of one data folder. Process ids lie there too: anybody may stop what another started."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def up(self, only: Sequence[str] | None = None) -> list[Found]:
        """Check everything, start each server found (or those named in `only`) and wait until all are ready.

        What this stack runs already is left alone. Returns all that run then. Raises StackError with every problem,
        before anything is started or after what was started is stopped again.
        """
        wanted = [server for server in SERVERS if only is None or server.name in only]
        found, strangers = find(wanted)
        missing = set(only or ()) - {each.server.name for each in found}
        running = self.running()
        problems = check.everything(self.options, found, strangers, running)
        if problems or missing:
            raise StackError([*problems, *map(_not_here, sorted(missing))])
        self._write_files({each.server.name for each in found} | {server.name for server in running})
        new = [each for each in found if each.server not in running]
        try:
            for each in new:
                self._start(each)
            for each in new:
                self.wait_ready(each.server)
        except StackError:
            self.down([each.server.name for each in new])
            raise
        return found

    def down(self, only: Sequence[str] | None = None) -> list[str]:
        """Stop every server of this data folder, or those named in `only`; returns the names of those that ran."""
        running = [server for server in reversed(self.running()) if only is None or server.name in only]
        for server in running:
            _signal(self.pid_of(server), signal.SIGTERM)
        for server in running:
            self._await_end(server)
        return [server.name for server in running]

    def running(self) -> list[Server]:
        """The servers of this data folder that are alive."""
        return [server for server in SERVERS if self.pid_of(server) is not None]

    def pid_of(self, server: Server) -> int | None:
        """Process id of a server that this folder started and that still is that server."""
        pid = self._written_pid(server)
        if pid is None or (_is_alive(pid) and any(program in _command(pid) for program in server.programs)):
            return pid
        self._pid_file(server).unlink(missing_ok=True)
        return None

    def wait_ready(self, server: Server, seconds: float = READY_SECONDS) -> None:
        """Return once the server says that it is ready. Raises StackError with the end of its log."""
        port = getattr(self.options.ports, server.ports[0])
        deadline = time.monotonic() + seconds
        while not is_ready(port, server.ready_path):
            # Not pid_of: in the first instant of a process its command line is empty.
            pid = self._written_pid(server)
            if pid is None or not _is_alive(pid):
                raise StackError([self._failed(server, "ended instead of starting")])
            if time.monotonic() > deadline:
                raise StackError([self._failed(server, f"was not ready after {seconds:.0f} s")])
            time.sleep(0.1)

    def log_of(self, server: Server) -> Path:
        """Where a server's output goes."""
        return self.options.data / "log" / f"{server.name}.log"

    def _write_files(self, names: Collection[str]) -> None:
        for folder in ("log", "run"):
            (self.options.data / folder).mkdir(parents=True, exist_ok=True)
        render.write_prometheus(self.options, names)
        if "grafana" in names:
            secret_files.create(self.options.secrets)  # without its file, Grafana would take the default password
            grafana.write(self.options)
        to = self.options.etc / "alertmanager"
        render.write_alertmanager(self.options.root, to, self.options.environment, self.options.secrets)

    def _start(self, found: Found) -> None:
        server = found.server
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        with self.log_of(server).open("ab") as log:
            process = subprocess.Popen(
                [found.path, *server.arguments(self.options)],
                cwd=self.options.root,
                env={**environment, **server.environment(self.options)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # ctrl-C in the terminal is for the launcher, not for the servers
            )
        self._pid_file(server).write_text(str(process.pid), "utf-8")
        process.returncode = 0  # it outlives this object on purpose; _is_alive reaps it

    def _await_end(self, server: Server) -> None:
        deadline = time.monotonic() + server.stop_seconds
        while self.pid_of(server) is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        if (pid := self.pid_of(server)) is not None:
            _signal(pid, signal.SIGKILL)
            while self.pid_of(server) is not None:
                time.sleep(0.02)

    def _written_pid(self, server: Server) -> int | None:
        try:
            return int(self._pid_file(server).read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def _pid_file(self, server: Server) -> Path:
        return self.options.data / "run" / f"{server.name}.pid"

    def _failed(self, server: Server, how: str) -> Problem:
        log = self.log_of(server)
        lines = log.read_text("utf-8", "replace").splitlines()[-5:] if log.is_file() else []
        said = "\n    ".join(lines) or "It wrote nothing."
        return Problem(f"{server.name} {how}:\n    {said}", f"The whole log is {log}.")


@contextlib.contextmanager
def running_stack(options: Options, only: Sequence[str] | None = None) -> Iterator[Stack]:
    """A stack for the length of a `with` block, for tests and benchmarks."""
    stack = Stack(options)
    stack.up(only)
    try:
        yield stack
    finally:
        stack.down()


def is_ready(port: int, path: str) -> bool:
    """Whether a server on this loopback port answers 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _not_here(name: str) -> Problem:
    return Problem(f"{name} is not on the PATH.", "Install it, or leave it out.")


def _signal(pid: int | None, number: int) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG) == (0, 0)  # our own child: this reaps it when it has ended
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _command(pid: int) -> str:
    """Command line of a process, so that a recycled id is never mistaken for a server."""
    file = Path(f"/proc/{pid}/cmdline")  # Linux; containers often have no ps
    if file.parent.is_dir():
        return file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    ps = ["ps", "-ww", "-p", str(pid), "-o", "command="]  # -ww: a long path is not cut
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout
