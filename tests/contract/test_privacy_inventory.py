"""No store without a way to erase: every destination and every file at home belongs to a place of the inventory."""

from __future__ import annotations

from pathlib import Path

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.destinations import build_destinations
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.records.resource import Resource
from syndarix_obs.store.tombstones import FOLDER
from syndarix_obs_read.export.rows import Choice
from syndarix_obs_read.export.run import run
from syndarix_obs_read.privacy.forget import forget
from syndarix_obs_read.privacy.inventory import every_source
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.users import pseudonym_of

NOWHERE = "http://127.0.0.1:9"


def everything_on(home: Path) -> Settings:
    return Settings(
        home=home, set_global=False, backend="both", loki_url=NOWHERE, otlp_endpoint=NOWHERE, zipkin_url=NOWHERE,
        extra_otlp_endpoint=NOWHERE, pushgateway_url=NOWHERE, send_timeout=0.2, shutdown_timeout=0.5,
    )  # fmt: skip


def test_every_destination_lies_in_a_place(tmp_path: Path) -> None:
    destinations = build_destinations(everything_on(tmp_path), Metrics(None), Resource("a", "b"))
    names = {getattr(each, "name", type(each).__name__.removesuffix("Destination").lower()) for each in destinations}
    for each in destinations:
        each.close(0.2)
    covered = frozenset().union(*(each.destinations for each in every_source(ReadSettings(home=tmp_path))))
    assert {"embedded", "loki", "tempo", "zipkin", "otlp_extra", "pushgateway"} == names
    assert set() == names - covered


def test_every_file_in_the_home_folder_belongs_to_one_place(tmp_path: Path) -> None:
    home = tmp_path / "home"
    obs = ObservabilityPlatform(everything_on(home))
    with obs.session(agent="a", user="ada"):
        pass
    obs.flush()
    settings = ReadSettings(home=home)
    run(settings, Choice("records", 0, 2**62), home / "an export")
    forget(settings, pseudonym_of(settings, "ada"))
    files = [path for path in home.rglob("*") if path.is_file() and path.parent.name != FOLDER]
    owners = {
        path.relative_to(home).as_posix(): [each.name for each in every_source(settings) if each.owns(path)]
        for path in files
    }
    obs.shutdown()
    assert {name: found for name, found in owners.items() if len(found) != 1 or found == ["other files"]} == {}
    assert any(found == ["spool"] for found in owners.values())


def test_places_have_names_of_their_own_and_say_what_they_do() -> None:
    places = every_source(ReadSettings(home=Path("home")))
    assert len(places) == len({each.name for each in places})
    assert all(each.holds and each.kept and each.method for each in places)
