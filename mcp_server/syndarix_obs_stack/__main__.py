"""`python -m syndarix_obs_stack COMMAND`: what the make targets and the compose file call."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from syndarix_obs_stack import check, render, secret_files
from syndarix_obs_stack.launcher import Stack
from syndarix_obs_stack.options import HOST, Options
from syndarix_obs_stack.problems import StackError
from syndarix_obs_stack.servers import SERVERS, Found, find


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when all is well, 1 with every problem on stderr."""
    parsed = _parser().parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
        return status
    except StackError as error:
        _say(str(error), error=True)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="syndarix_obs_stack", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the repository (default: here)")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run, meaning in (
        ("init", _init, "make .env and the secrets that are missing"),
        ("check", _check, "say what is wrong and how to mend it; start nothing"),
        ("up", _up, "start every server that is on the PATH, on loopback"),
        ("status", _status, "say what runs where"),
        ("down", _down, "stop what up started"),
    ):
        commands.add_parser(name, help=meaning).set_defaults(run=run)
    rendering = commands.add_parser("render", help="write Alertmanager's configuration for a container")
    rendering.set_defaults(run=_render)
    rendering.add_argument("--to", type=Path, required=True, help="folder to write to")
    rendering.add_argument("--secrets", type=Path, required=True, help="secrets, as containers see them")
    return parser


def _init(parsed: argparse.Namespace) -> int:
    root: Path = parsed.root
    env = root / ".env"
    if not env.exists():
        shutil.copyfile(root / ".env.example", env)
        text = env.read_text("utf-8").replace("\nSECRETS_DIR=\n", "\nSECRETS_DIR=./secrets\n")
        env.write_text(text, "utf-8")
        _say("made .env from .env.example")
    options = Options.from_root(root)
    for name in secret_files.create(options.secrets):
        _say(f"made {options.secrets / name}")
    return 0


def _check(parsed: argparse.Namespace) -> int:
    options = Options.from_root(parsed.root)
    found, strangers = find()
    problems = check.everything(options, found, strangers, running=Stack(options).running())
    for problem in problems:
        _say(str(problem), error=True)
    if not problems:
        _say("✓ nothing is wrong: " + ", ".join(f"{each.server.name} {each.version}" for each in found))
    return 1 if problems else 0


def _up(parsed: argparse.Namespace) -> int:
    options = Options.from_root(parsed.root)
    found = Stack(options).up()
    for each in found:
        _say(_line(each, options))
    absent = [server.name for server in SERVERS if server.name not in {each.server.name for each in found}]
    if absent:
        _say(f"not on the PATH, so not started: {', '.join(absent)}")
    return 0


def _line(each: Found, options: Options) -> str:
    return f"✓ {each.server.name} {each.version} http://{HOST}:{getattr(options.ports, each.server.ports[0])}"


def _status(parsed: argparse.Namespace) -> int:
    options = Options.from_root(parsed.root)
    stack = Stack(options)
    for server in SERVERS:
        pid = stack.pid_of(server)
        address = f"http://{HOST}:{getattr(options.ports, server.ports[0])}"
        _say(f"{server.name}: {address} (process {pid})" if pid else f"{server.name}: not running")
    return 0


def _down(parsed: argparse.Namespace) -> int:
    stopped = Stack(Options.from_root(parsed.root)).down()
    _say(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")
    return 0


def _render(parsed: argparse.Namespace) -> int:
    options = Options(root=parsed.root, data=parsed.to, secrets=parsed.secrets, environment=os.environ)
    problems = secret_files.problems(parsed.secrets) + check.channels(options) + check.retention(options)
    problems += check.rule_files(parsed.root)
    if problems:
        raise StackError(problems)
    render.write_alertmanager(parsed.root, parsed.to, os.environ, parsed.secrets)
    _say(f"wrote {parsed.to / 'alertmanager.yml'}")
    return 0


def _say(text: str, *, error: bool = False) -> None:
    (sys.stderr if error else sys.stdout).write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
