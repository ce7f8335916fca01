"""What a POST takes over from `requests`, which works it out once: credentials, proxies, certificates, connections."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import requests
from scripted_sink import Answer, ScriptedSink

from syndarix_obs.delivery.http import HttpPost

BASIC = "Basic " + base64.b64encode(b"me:secret").decode()


def test_credentials_in_the_url_are_sent_as_a_header(sink: ScriptedSink) -> None:
    url = sink.url.replace("//", "//me:secret@") + "/v1/traces"
    assert 204 == HttpPost(url, {})(b"x", 5).status
    assert BASIC == sink.taken[0].headers["Authorization"]


def test_credentials_of_a_session_are_sent_with_every_request(sink: ScriptedSink) -> None:
    session = requests.Session()
    session.auth = ("me", "secret")
    post = HttpPost(f"{sink.url}/v1/traces", {"X-Own": "a"}, session=session)
    assert [204, 204] == [post(b"x", 5).status, post(b"y", 5).status]
    assert [(BASIC, "a")] * 2 == [(each.headers["Authorization"], each.headers["X-Own"]) for each in sink.taken]
    assert [b"x", b"y"] == [each.body for each in sink.taken]


def test_a_netrc_file_is_honoured(sink: ScriptedSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert 204 == HttpPost(f"{sink.url}/v1/traces", {})(b"x", 5).status
    assert BASIC == sink.taken[0].headers["Authorization"]


def test_a_proxy_of_the_environment_is_used(sink: ScriptedSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", sink.url)
    monkeypatch.setenv("no_proxy", "")
    assert 204 == HttpPost("http://tempo.invalid/v1/traces", {}, compress=False)(b"x", 5).status
    assert "http://tempo.invalid/v1/traces" == sink.taken[0].path


def test_a_bundle_of_certificates_that_is_not_there_is_an_answer_and_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/at/all.pem")
    reply = HttpPost("https://127.0.0.1:9/v1/traces", {})(b"x", 5)
    assert (0, b"OSError") == (reply.status, reply.body)


@pytest.mark.parametrize("url", ["nothing", "http://", "ftp://host/x", "http://host:port/"])
def test_an_url_that_is_none_is_an_answer_and_no_error(url: str) -> None:
    assert 0 == HttpPost(url, {})(b"x", 5).status


def test_one_connection_serves_all_requests_also_after_failures(sink: ScriptedSink) -> None:
    sink.script.extend([Answer(500, b"no" * 100), Answer(200, b"fine"), Answer(204)])
    post = HttpPost(f"{sink.url}/v1/traces", {})
    assert [500, 200, 204, 204] == [post(b"x", 5).status for _ in range(4)]
    assert 1 == len({each.client for each in sink.requests})


def test_a_redirect_is_not_followed(sink: ScriptedSink) -> None:
    sink.script.append(Answer(302, headers={"Location": f"{sink.url}/elsewhere"}))
    assert 302 == HttpPost(f"{sink.url}/v1/traces", {})(b"x", 5).status
    assert 1 == len(sink.requests)


def test_an_answer_without_end_is_read_to_a_limit(sink: ScriptedSink) -> None:
    sink.script.append(Answer(400, b"x" * 1_000_000))
    assert 64 * 1024 == len(HttpPost(f"{sink.url}/v1/traces", {})(b"x", 5).body)
