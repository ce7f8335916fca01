"""Mail goes only to the server that its certificate names: reports and alerts use the same connection."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("aiosmtpd", reason="a mail server of these tests' own (extra `dev`)")

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from syndarix_obs_read.mailing.smtp import connected


def self_signed(folder: Path) -> Path:
    """A key and a certificate that nobody vouches for, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "mail.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Port of a mail server whose certificate is its own word."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = int(probe.getsockname()[1])
    controller = Controller(Sink(), hostname="127.0.0.1", port=free, tls_context=context)
    controller.start()
    yield free
    controller.stop()


def test_a_server_whose_certificate_nobody_vouches_for_gets_no_mail(port: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        connected("localhost", port, "starttls", 5.0)


def test_without_encryption_the_same_server_answers(port: int) -> None:
    with connected("localhost", port, "none", 5.0) as server:
        assert 250 == server.noop()[0]
