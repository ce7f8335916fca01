"""A stack on free loopback ports, from the repository's own files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import browser_pilot
import office
import pytest
from alert_sinks import free_ports
from browser_pilot import Pilot, flying
from grafana_pages import Grafana
from needed_servers import await_metric, require, scrape, speed_up_boards

from syndarix_obs_stack.launcher import Stack, running_stack
from syndarix_obs_stack.options import Options, Ports

ROOT = Path(__file__).parents[3]


def options_in(folder: Path, environment: dict[str, str], secrets: dict[str, str]) -> Options:
    """Options for the repository's files with data and secrets in a folder, on free ports."""
    (folder / "secrets").mkdir()
    for name, text in secrets.items():
        (folder / "secrets" / name).write_text(text)
    names = [each.name for each in fields(Ports)]
    ports = Ports(**dict(zip(names, free_ports(len(names)), strict=True)))
    return Options(ROOT, folder / "data", folder / "secrets", ports, environment)


@pytest.fixture(scope="module")
def make_options(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, str], dict[str, str]], Options]:
    """Options for the repository's files with data, secrets and ports of their own."""

    def make(environment: dict[str, str], secrets: dict[str, str]) -> Options:
        return options_in(tmp_path_factory.mktemp("stack"), environment, secrets)

    return make


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All servers from the repository's files, after the demo, the office at work, the boards' rules every 5 s."""
    names = ("prometheus", "loki", "tempo", "grafana")
    require(*names)
    if browser_pilot.installed() is None:
        pytest.skip("no Chromium on the PATH")
    of_demo, of_office = free_ports(2)
    options = options_in(tmp_path_factory.mktemp("boards"), {}, {})
    with running_stack(options, only=names) as stack:
        scrape(options, of_demo, of_office)
        speed_up_boards(options)
        with office.at_work(options, of_office) as looked:
            assert looked.events, "the watch found nothing unusual"
            office.demo(options, of_demo, sessions=30)
            # A graph has a point every 90 s: before the first one there would be nothing to see.
            await_metric(options, 'llm_requests_total{agent="support"} offset 95s')
            yield stack


@pytest.fixture(scope="package")
def grafana(stack: Stack) -> Grafana:
    """The Grafana of the stack."""
    password = (stack.options.secrets / "grafana_admin_password").read_text("utf-8")
    return Grafana(stack.options.ports.grafana, password)


@pytest.fixture(scope="package")
def pilot(grafana: Grafana, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pilot]:
    """A browser that is logged in."""
    browser = browser_pilot.installed()
    assert browser is not None
    with flying(browser, tmp_path_factory.mktemp("browser")) as pilot:
        grafana.enter(pilot)
        yield pilot
