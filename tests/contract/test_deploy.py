"""What `deploy/` has is read by the programs it is for, and says the same as the files for one machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from syndarix_obs import vocabulary as v

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy" / "kubernetes"
ENVIRONMENT = {
    "LOKI_BUCKET": "lines", "TEMPO_BUCKET": "spans", "S3_ENDPOINT": "s3.local:9000", "S3_ACCESS_KEY": "a",
    "S3_SECRET_KEY": "b", "KAFKA_ADDRESS": "kafka:9092",
}  # fmt: skip


def found(*names: str) -> str:
    """The first of these programs that is here."""
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.skip(f"{names[0]} is not on the PATH")


def accepted(*command: str) -> None:
    done = subprocess.run(
        command, env={**os.environ, **ENVIRONMENT}, cwd=ROOT, text=True, capture_output=True, check=False, timeout=60
    )
    assert 0 == done.returncode, done.stdout[-2000:] + done.stderr[-2000:]


def loaded(name: str) -> dict[str, Any]:
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (ROOT / name).read_text(encoding="utf-8"))
    data: dict[str, Any] = yaml.safe_load(text)
    return data


def test_loki_takes_its_file() -> None:
    accepted(found("loki"), "-verify-config", "-config.expand-env=true", f"-config.file={DEPLOY / 'loki/loki.yaml'}")


@pytest.mark.parametrize("name", ["tempo.yaml", "tempo-distributed.yaml"])
def test_tempo_takes_its_files(name: str) -> None:
    accepted(found("tempo"), "-config.verify", "-config.expand-env=true", f"-config.file={DEPLOY / 'tempo' / name}")


@pytest.mark.parametrize("name", ["edge.yaml", "sampling.yaml"])
def test_the_collector_takes_its_files(name: str) -> None:
    accepted(found("otelcol-contrib", "otelcol"), "validate", f"--config={DEPLOY / 'collector' / name}")


def test_kustomize_builds_the_whole() -> None:
    accepted(found("kubectl"), "kustomize", str(DEPLOY))


def test_loki_keeps_the_limits_of_one_machine() -> None:
    one, many = loaded("loki/loki.yml"), loaded("deploy/kubernetes/loki/loki.yaml")
    assert one["limits_config"] == many["limits_config"]
    assert one["querier"] == many["querier"]
    assert one["compactor"]["delete_request_cancel_period"] == many["compactor"]["delete_request_cancel_period"]


def test_tempo_distributed_is_tempo_with_kafka() -> None:
    one, many = loaded("deploy/kubernetes/tempo/tempo.yaml"), loaded("deploy/kubernetes/tempo/tempo-distributed.yaml")
    assert {"ingest", "memberlist", "querier"} == many.keys() - one.keys()
    assert one == {name: value for name, value in many.items() if name in one}


def test_images_are_those_of_the_compose_file() -> None:
    versions = dict(re.findall(r"(?m)^(\w+_VERSION)=(\S+)$", (ROOT / ".env.example").read_text(encoding="utf-8")))
    text = "".join(path.read_text(encoding="utf-8") for path in DEPLOY.rglob("*-set.yaml"))
    assert {versions["LOKI_VERSION"]} == set(re.findall(r"grafana/loki:(\S+)", text))
    assert {versions["TEMPO_VERSION"]} == set(re.findall(r"grafana/tempo:(\S+)", text))


def test_sampling_always_keeps_errors_slow_and_costly_traces_by_names_of_the_vocabulary() -> None:
    policies = loaded("deploy/kubernetes/collector/sampling.yaml")["processors"]["tail_sampling"]["policies"]
    by_name = {each["name"]: each for each in policies}
    assert ["ERROR"] == by_name["errors"]["status_code"]["status_codes"]
    assert "latency" == by_name["slow"]["type"]
    assert v.COST_USD in by_name["costly"]["ottl_condition"]["span"][0]
    assert v.OUTCOME == by_name["bad-end"]["string_attribute"]["key"]
    assert 100 > by_name["the-rest"]["probabilistic"]["sampling_percentage"]


@pytest.mark.parametrize("name", ["edge.yaml", "sampling.yaml"])
def test_every_queue_of_a_collector_is_on_disk_and_never_gives_up(name: str) -> None:
    exporters = loaded(f"deploy/kubernetes/collector/{name}")["exporters"]
    for exporter in exporters.values():
        settings = exporter.get("protocol", {}).get("otlp", exporter)
        assert "file_storage/queue" == settings["sending_queue"]["storage"]
        assert "0s" == settings["retry_on_failure"]["max_elapsed_time"]
