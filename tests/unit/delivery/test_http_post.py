"""A POST: credentials, proxies, certificates, one connection, and a limit on the time of it all."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest
from scripted_sink import Answer, ScriptedSink

from syndarix_obs.delivery.http import HttpPost

BASIC = "Basic " + base64.b64encode(b"me:secret").decode()


def test_credentials_in_the_url_are_sent_as_a_header(sink: ScriptedSink) -> None:
    url = sink.url.replace("//", "//me:secret@") + "/v1/traces"
    assert 204 == HttpPost(url, {})(b"x", 5).status
    assert BASIC == sink.taken[0].headers["Authorization"]


def test_credentials_are_sent_with_every_request(sink: ScriptedSink) -> None:
    post = HttpPost(f"{sink.url}/v1/traces", {"X-Own": "a"}, auth=("me", "secret"))
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
    assert (0, b"FileNotFoundError: No such file or directory") == (reply.status, reply.body)


def test_a_proxy_is_not_asked_for_this_machine(sink: ScriptedSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert 204 == HttpPost(f"{sink.url}/v1/traces", {})(b"x", 5).status


def test_a_header_of_ones_own_goes_before_a_netrc_file(
    sink: ScriptedSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert 204 == HttpPost(f"{sink.url}/v1/traces", {"authorization": "Bearer t"})(b"x", 5).status
    assert "Bearer t" == sink.taken[0].headers["authorization"]


class Drip:
    """A server that sends one byte after the other, for ever, after what it is told to say first."""

    def __init__(self, first: bytes, then: bytes) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(first, then), daemon=True)
        self._thread.start()

    def _serve(self, first: bytes, then: bytes) -> None:
        connection, _ = self._socket.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(first)
            while not self._over.wait(0.05):
                connection.sendall(then)

    def close(self) -> None:
        self._over.set()
        self._thread.join(5)
        self._socket.close()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"HTTP/1.1 204 No Content\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"z"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nz\r\n"),
    ],
)
def test_a_server_that_drips_does_not_outlast_the_time_limit(first: bytes, then: bytes) -> None:
    drip = Drip(first, then)
    began = time.monotonic()
    reply = HttpPost(drip.url, {})(b"x", 0.5)
    took = time.monotonic() - began
    drip.close()
    assert (0, b"TimeoutError") == (reply.status, reply.body)
    assert took < 2.0


def test_a_connection_that_the_server_closed_meanwhile_is_opened_anew(sink: ScriptedSink) -> None:
    post = HttpPost(f"{sink.url}/v1/traces", {})
    sink.script.append(Answer(200, b"fine", headers={"Connection": "close"}))
    assert [200, 204, 204] == [post(b"x", 5).status for _ in range(3)]
    assert 2 == len({each.client for each in sink.requests})


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
