"""All patterns in the order they are applied, and the four that are not expressions: keys, plain forms, base64."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from syndarix_obs.redaction.birth import BIRTH
from syndarix_obs.redaction.emails import EMAILS
from syndarix_obs.redaction.folding import BASE64_NEED, FOLD_NEEDS
from syndarix_obs.redaction.keys import PERSONAL_KEY_NEEDS, SECRET_KEY_NEEDS
from syndarix_obs.redaction.national import NATIONAL
from syndarix_obs.redaction.network import NETWORK
from syndarix_obs.redaction.pattern import Pattern, Span, secret
from syndarix_obs.redaction.payment import PAYMENT
from syndarix_obs.redaction.people import PEOPLE
from syndarix_obs.redaction.phones import PHONES
from syndarix_obs.redaction.secrets import SECRETS


def _nothing(_: str) -> Iterable[Span]:
    return ()


FOLD: Final = 0
"""Place of the pattern that says: the text has a plain form (see `folding.py`)."""
BASE64: Final = 1
"""Place of the one that says: there is base64 that may hold a text."""
KEYS: Final = frozenset({2, 3})
"""Places of those that say: a key of a dict, or of JSON inside a string, may be sensitive."""
_ASKED = (
    secret("folded", _nothing, *FOLD_NEEDS),
    secret("base64", _nothing, BASE64_NEED),
    secret("key", _nothing, *SECRET_KEY_NEEDS),
    secret("key", _nothing, *PERSONAL_KEY_NEEDS),
)
_FOUND = (*SECRETS, *EMAILS, *BIRTH, *PAYMENT, *NATIONAL, *NETWORK, *PHONES, *PEOPLE)


@lru_cache(maxsize=2)
def patterns(*, personal: bool) -> tuple[Pattern, ...]:
    """Those of credentials, or all."""
    return tuple(one for one in (*_ASKED, *_FOUND) if personal or one.secret)
