"""How a message travels: a mail server that anybody could pretend to be gets neither the password nor the mail."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from syndarix_obs_read.errors import BackendUnavailable
from syndarix_obs_read.watching.channels import Mail
from syndarix_obs_read.watching.messages import Message, Unusual


def own_certificate(folder: Path) -> ssl.SSLContext:
    """A server's certificate that nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A mail server with such a certificate."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    controller = Controller(Sink(), hostname="127.0.0.1", port=number, tls_context=own_certificate(tmp_path))
    controller.start()
    yield number
    controller.stop()


async def test_a_mail_server_whose_certificate_nobody_signed_gets_nothing(port: int) -> None:
    mail = Mail("mail", ("a@example.org",), "b@example.org", "127.0.0.1", port)
    with pytest.raises(BackendUnavailable, match="certificate"):
        await mail.send(Message(Unusual("support", 0, ()), ends=False, at_ns=0))
