"""Names whose values are sensitive: `password`, `api_key`, `dob`, `card_number`, … in any spelling.

A name is cut into words (`userApiToken2` → user, api, token) and judged by the last of them. There are rules for the
value, because some names say all (`password`) and others only hint (`token`, `session`): under those a value is masked
when it looks like one that was made by chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from syndarix_obs.redaction.pattern import BLANK, GAP, digits_of, has_digit, has_letter, has_upper, listed, looks_random

_SECRET_ENDINGS = (
    "password", "passwd", "passphrase", "passcode", "passwort", "kennwort", "pwd", "secret", "apikey", "apitoken",
    "accesstoken", "authtoken", "refreshtoken", "idtoken", "sessiontoken", "bearertoken", "accesskey", "secretkey",
    "privatekey", "accountkey", "signingkey", "encryptionkey", "masterkey", "sharedkey", "subscriptionkey",
    "authorization", "cookie", "contraseña", "contrasena", "contrasenya", "senha", "wachtwoord", "motdepasse",
    "lösenord", "losenord", "adgangskode", "salasana", "hasło", "haslo", "heslo", "jelszo", "jelszó", "parola", "şifre",
    "mdp", "пароль", "密码", "密碼", "口令", "パスワード", "비밀번호", "credential", "connectionstring", "connstr",
)  # fmt: skip
"""Ends of names, words joined: the value is a secret whatever it looks like."""
_KEY_OWNERS = frozenset(
    listed(
    "api access secret private account signing encryption decryption master shared storage subscription "
    "service ssh auth webhook deploy admin hmac aes rsa gpg pgp sas consumer license licence integration write "
    "ingest ingestion app application client root session server user pre preshared wpa security recovery "
    "activation function host"
)
)  # fmt: skip
"""`key` alone is a name like any other; behind one of these it is a secret."""
_TOKEN_OWNERS = frozenset(
    listed(
    "api access auth refresh session id bot bearer security private csrf xsrf oauth oauth2 jwt sas personal "
    "deploy verification reset service registration push device webhook vault npm github gitlab slack discord "
    "telegram app user client admin secret login registry hf huggingface ci"
)
)  # fmt: skip
_TOKEN_USES = frozenset(
    listed(
    "next previous prev page continuation continue cursor start stop end max min total prompt completion input "
    "output cached cache reasoning special eos bos pad unk mask sep cls new first last num count per by sync"
)
)  # fmt: skip
"""In front of `token` these speak of pages or of a model's tokens."""
_HINTS = frozenset(
    listed(
    "pass pw token session sid jsessionid phpsessid sessionid sessid salt signature sig jwt dsn auth bearer "
    "csrf xsrf credentials creds cred nonce otpauth secretid psk pem keyfile"
)
)  # fmt: skip
_CODES = frozenset(["pin", "otp", "totp", "mfa", "puk"])
_CODE_OWNERS = frozenset(
    listed(
    "mfa otp totp pin verification security auth authentication access recovery backup confirmation one sms "
    "2fa login activation authorization factor"
)
)  # fmt: skip
_PHRASES = {
    "security answer": "secret", "secret answer": "secret", "seed phrase": "secret", "recovery phrase": "secret",
    "mnemonic": "secret", "mnemonic phrase": "secret", "connection string": "connection_string",
    "conn str": "connection_string", "connection str": "connection_string", "conn string": "connection_string",
}  # fmt: skip
_ADDED = frozenset(
    listed(
    "hash hashed value val str text txt plain plaintext clear cleartext confirmation confirm repeat again old "
    "new current encrypted enc base64 b64 raw digest primary secondary prod production dev test testing "
    "staging live default temp tmp initial"
)
)  # fmt: skip
"""Words behind a name that do not change what it holds."""
_BIRTH = re.compile(
    r"(?:dob|date of birth|birth ?date|birth ?day|birth date|born|birth dt|geburtsdatum|geburtstag|geboortedatum"
    r"|fecha (?:de )?nacimiento|date (?:de )?naissance|data (?:di )?nascita|data (?:de )?nascimento|född|urodzony"
    r"|fødselsdato|dateofbirth|生年月日|出生日期)$"
)
_PERSONAL_NAMES = {
    "ssn": "ssn", "social security number": "ssn", "social security": "ssn", "socialsecuritynumber": "ssn",
    "card number": "credit_card", "cardnumber": "credit_card", "cc number": "credit_card", "ccnumber": "credit_card",
    "cvv": "credit_card", "cvv2": "credit_card", "cvc": "credit_card", "cvc2": "credit_card",
    "cardholder number": "credit_card", "card no": "credit_card", "card num": "credit_card", "cc num": "credit_card",
}  # fmt: skip
_NUMBERS = {
    "phone": "phone", "mobile": "phone", "cell": "phone", "tel": "phone", "telephone": "phone", "fax": "phone",
    "whatsapp": "phone", "telefon": "phone", "telefono": "phone", "teléfono": "phone", "handy": "phone",
    "msisdn": "phone", "phone number": "phone", "mobile number": "phone", "phone no": "phone", "cell number": "phone",
    "telefonnummer": "phone", "pan": "credit_card", "card": "credit_card", "credit card": "credit_card",
    "iban": "iban", "account number": "iban", "passport": "national_id", "passport number": "national_id",
    "passport no": "national_id", "national id": "national_id", "tax id": "national_id", "nino": "national_id",
    "cpf": "national_id", "cnpj": "national_id", "aadhaar": "national_id", "aadhar": "national_id",
    "dni": "national_id", "nie": "national_id", "nif": "national_id", "bsn": "national_id", "pesel": "national_id",
    "steuer id": "national_id", "steuerid": "national_id", "driver license": "national_id",
    "drivers license": "national_id", "driving licence": "national_id", "license number": "national_id",
    "personnummer": "national_id", "nhs number": "national_id", "curp": "national_id", "insee": "national_id",
}  # fmt: skip
"""The value is masked when it holds enough digits."""
_PEOPLE = frozenset(
    listed(
    "full first last given family middle maiden sur customer patient employee contact guest passenger "
    "cardholder recipient holder owner client member person billing shipping account legal student applicant "
    "beneficiary"
)
)  # fmt: skip
"""Whose `name` is a person's."""
_NAMES = frozenset(
    listed(
    "surname firstname lastname fullname cardholder vorname nachname apellido apellidos prénom prenom "
    "familienname forename givenname familyname customername patientname"
)
)  # fmt: skip
_STREETS = frozenset(["street", "streetaddress", "addressline1", "strasse", "straße"])
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SCHEMA_WORDS = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_CACHE_LIMIT = 4_096
_LONGEST_NAME = 120
_JUDGED = 96
"""Characters of a value that are looked at: more tell no more, and names that stand in each other's values add up."""

Rule = Callable[[Any], bool]
Kind = tuple[str, Rule]
"""What stands in the marker, and whether a value has to be masked."""


def _anything(value: Any) -> bool:
    return not harmless(value)


def _made_by_chance(value: Any) -> bool:
    """A text like a token; a list of which one item is such."""
    if isinstance(value, str):
        return len(value) >= 8 and " " not in value and "://" not in value and _mixed(value)
    return isinstance(value, (list, tuple)) and any(map(_made_by_chance, value[:100]))


def _mixed(value: str) -> bool:
    value = value[:_JUDGED]
    return looks_random(value) or (has_digit(value) and has_upper(value))


def _like_password(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= 4 and not value.isalpha() and not value.replace(".", "").isdigit()


def _code(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return value > 999
    text = value if isinstance(value, str) else ""
    return (text.isdigit() and 3 <= len(text) <= 10) or (has_digit(text) and _made_by_chance(text))


def _number(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return value > 999_999
    if isinstance(value, (list, tuple)):
        return any(map(_number, value[:100]))
    return isinstance(value, str) and len(value) <= 40 and len(digits_of(value)) >= 6


def _person(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 100 and has_letter(value) and not value.startswith("[")


class SensitiveKeys:
    """Says of a key whether its value must be masked, and as what.

    Args:
        personal: keys of personal data count as well as keys of secrets.
        exempt: names that are known to be harmless, exactly as they are spelled.
    """

    def __init__(self, *, personal: bool, exempt: Iterable[str] = ()) -> None:
        self._personal = personal
        self._known: dict[str, Kind | None] = {}
        self._exempt = dict.fromkeys(exempt)
        self._known.update(self._exempt)

    def kind(self, key: str) -> Kind | None:
        """Name for the marker (`password`, `date_of_birth`, …) and rule for the value; None: the key is harmless."""
        known = self._known
        if key not in known:
            if len(known) > _CACHE_LIMIT:
                known.clear()
                known.update(self._exempt)
            known[key] = self._decide(key[-_LONGEST_NAME:])
        return known[key]

    def masks(self, key: str, value: Any) -> str | None:
        """Name for the marker when this value of this key must be masked."""
        kind = self.kind(key)
        return kind[0] if kind is not None and not harmless(value) and kind[1](value) else None

    def _decide(self, key: str) -> Kind | None:
        words = words_of(key)
        return (_secret(words) or (_personal(words) if self._personal else None)) if words else None


def words_of(name: str) -> list[str]:
    """`user[apiTokens2]` → user, api, token: lower case, without short numbers and plurals."""
    found = _WORD.findall(_CAMEL.sub(" ", name)[-_LONGEST_NAME:])
    words = [word.lower() if len(word) > 3 and word.isdigit() else word.lower().rstrip("0123456789") for word in found]
    return [_singular(word) for word in words if word]


def _singular(word: str) -> str:
    plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "as"))
    return word[:-1] if plural else word


def _secret(words: list[str]) -> Kind | None:
    if (phrase := " ".join(words[-2:])) in _PHRASES:
        return _PHRASES[phrase], _anything
    while len(words) > 1 and words[-1] in _ADDED:
        words = words[:-1]
    last, owner = words[-1], words[-2] if len(words) > 1 else ""
    if last.endswith(_SECRET_ENDINGS) or "".join(words[-3:]).endswith(_SECRET_ENDINGS):
        return "password" if last.endswith(("password", "passwd", "pwd")) else "secret", _anything
    if last == "key":
        return ("secret", _anything) if owner in _KEY_OWNERS else None
    if last == "token":
        if owner in _TOKEN_USES:
            return None
        return "secret", _anything if owner in _TOKEN_OWNERS else _made_by_chance
    if last == "pass" or last == "pw":
        return "password", _like_password
    if last in _CODES or (last == "code" and owner in _CODE_OWNERS):
        return "secret", _code
    if last in _HINTS or (owner == "session" and last == "id"):
        return "secret", _made_by_chance
    return None


def _personal(words: list[str]) -> Kind | None:
    last, pair, name = words[-1], " ".join(words[-2:]), " ".join(words)
    if _BIRTH.search(name):
        return "date_of_birth", _anything
    for known in (" ".join(words[-3:]), pair, last):
        if known in _PERSONAL_NAMES:
            return _PERSONAL_NAMES[known], _anything
    for known in (pair, last):
        if known in _NUMBERS:
            return _NUMBERS[known], _number
    if last in _NAMES or (last == "name" and len(words) > 1 and words[-2] in _PEOPLE):
        return "name", _person
    if last in _STREETS or pair == "street address":
        return "address", _person
    return None


def needs_no_look(kind: Kind) -> bool:
    """True for names that say all, so that any value is masked."""
    return kind[1] is _anything


def harmless(value: Any) -> bool:
    """True for what a sensitive key may hold in the open: nothing, a truth value, a JSON schema, a marker."""
    if value is None or value is True or value is False or value == "":
        return True
    return _is_schema(value)


def _is_schema(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    kind = value.get("type")
    typed = kind in _SCHEMA_WORDS if isinstance(kind, str) else isinstance(kind, list)
    shaped = typed or "anyOf" in value or "$ref" in value
    return shaped and not value.keys() & {"default", "const", "examples", "enum"}


# --- What stands in a text where such a key does ------------------------------------------------------------------


def _any_of(names: Iterable[str]) -> str:
    """One of these, longest first; a space stands for any separator or none."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return "|".join(re.escape(name).replace(r"\ ", r"[ _.\[\]-]*") for name in ordered)


_ADDED_WORDS = _any_of(_ADDED)
_TAIL = (
    rf"(?i:s|es)?[0-9]*(?:[^a-z\s:=\"',;<>{{}}\\][^\s:=\"',;<>{{}}\\]*)?"
    rf"(?:[ _.-](?i:{_ADDED_WORDS}|[0-9]{{1,3}})[^\s:=\"',;<>{{}}\\]*)*"
)
"""Behind the last word of a name: no small letter, which would make it another word."""
_IS = r"(?i:is|was|lautet|es|ist)\b"
_SIGN = rf"(?:{GAP}(?:[:=：＝]|{_IS})|>|(?:{GAP}[,/→-]|{BLANK}+)[^\s\"]*[0-9])"
_LONG_SIGN = rf"(?:{GAP}(?:[:=>,：＝]|{_IS}){GAP}|{BLANK}+)(?:\[{GAP})?[^\s\"'\\]{{8}}"
_CODE_SIGN = rf"(?:{GAP}(?:[:=>,/：＝]|{_IS}){GAP}|{BLANK}+)[^\s\\\"']*[0-9]"
_STRONG = {*_SECRET_ENDINGS, *_PHRASES, "pass", "api key", "answer", "phrase", "mot de passe"}
SECRET_KEY_NEEDS: Final = (
    rf"(?i:{_any_of(_STRONG)}){_TAIL}{_SIGN}",
    rf"--[\w-]*(?i:pass|pwd|secret|token|key)[\w-]*{BLANK}+[^\s]",
    rf"(?i:{_any_of(_KEY_OWNERS)})[ _.\[\]-]*(?i:key){_TAIL}{_SIGN}",
    rf"(?i:{_any_of(_TOKEN_OWNERS)})[ _.\[\]-]*(?i:token){_TAIL}{_SIGN}",
    rf"(?i:token|session[ _.\[\]-]*id|{_any_of(_HINTS)}){_TAIL}{_LONG_SIGN}",
    rf"(?:(?:^|[^A-Za-z]|\\[nrtbf])(?i:{_any_of(_CODES)})|(?:Pin|Otp|Totp|Mfa|Puk)"
    rf"|(?i:{_any_of(_CODE_OWNERS)})[0-9]*[ _.\[\]-]*(?i:code)){_TAIL}{_CODE_SIGN}",
)
PERSONAL_KEY_NEEDS: Final = (
    rf"(?i:dob|birth|born|geburt|geboorte|nacimiento|naissance|nasci|f\x{{f6}}dd|urodz|f\x{{f8}}dsel|生年月日|出生)"
    rf"[^\s:=\"',;<>{{}}\\]*{GAP}[:=]",
    rf"(?i:{_any_of(_PERSONAL_NAMES)}){_TAIL}{GAP}[:=]",
    rf"(?i:{_any_of(_NUMBERS)}){_TAIL}{GAP}[:=]{GAP}(?:\[{GAP})?[^\s\"A-Za-z]*[0-9]",
    rf"(?i:{_any_of(_PEOPLE)})[ _.-]*(?i:name){_TAIL}{GAP}[:=]",
    rf"(?i:{_any_of(_NAMES | _STREETS)}|street.?address){_TAIL}{GAP}[:=]",
)
