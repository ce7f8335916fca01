"""The connection to a mail server, for reports and for alerts alike."""

from __future__ import annotations

import smtplib
import ssl
from typing import Final, Literal

Encryption = Literal["starttls", "tls", "none"]
PATIENCE_S: Final = 30.0


def connected(host: str, port: int, encryption: Encryption, patience_s: float = PATIENCE_S) -> smtplib.SMTP:
    """A connection that is encrypted, and to the server that its certificate names, unless `none` was asked for.

    Raises:
        OSError, smtplib.SMTPException: it was not reached, or does not offer what was asked for.
    """
    context = ssl.create_default_context()
    if encryption == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=patience_s, context=context)
    connection = smtplib.SMTP(host, port, timeout=patience_s)
    if encryption == "starttls":
        try:
            connection.starttls(context=context)
        except BaseException:
            connection.close()
            raise
    return connection
