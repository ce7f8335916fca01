"""Names behind words that introduce them, and street addresses as the larger countries write them."""

from __future__ import annotations

import re

from syndarix_obs.redaction.pattern import BLANK, behind, listed, matches, personal

_UPPER = "A-ZÀ-ÖØ-ÞŠŽŁŚĆŃÓĄĘ"
_LOWER = "a-zß-öø-ÿšžłśćńóąęıőű'’"
_NAME_WORD = rf"[{_UPPER}][{_LOWER}]{{1,24}}(?:-[{_UPPER}][{_LOWER}]{{1,24}}|[{_UPPER}][{_LOWER}]{{1,24}})?"
_JOINT = r" (?:(?:van|von|der|den|de|la|del|di|da|dos|bin|al|ibn|Ó|O'|[A-Z]\.) ){0,2}"
_FULL_NAME = rf"({_NAME_WORD}(?:{_JOINT}{_NAME_WORD}){{1,3}})"
_ANY_NAME = rf"({_NAME_WORD}(?:{_JOINT}{_NAME_WORD}){{0,3}})"
_INTRODUCTIONS = (
    "name is", "my name's", "i am called", "call me", "mein name ist", "ich heiße", "je m'appelle", "mon nom est",
    "me llamo", "mi nombre es", "mi chiamo", "meu nome é",
)  # fmt: skip
_TITLES = r"(?:Mrs?|Ms|Miss|Dr|Prof|Herrn?|Frau|Sra?|Mme|Monsieur|Madame|Señora?|Signora?)"
_TITLED = rf"\b{_TITLES}\.? (?:Dr\. |Prof\. )?"
_LABELS = (
    "name", "patient", "customer", "passenger", "guest", "cardholder", "recipient", "nombre", "nom", "vorname",
    "nachname",
)  # fmt: skip
_LABELLED = r"\*{0,2}[:=] {0,3}\*{0,2}[\"']?"

_CITY = rf"(?:,? [{_UPPER}][\w'.-]{{1,24}}(?: [{_UPPER}][\w'.-]{{1,24}}){{0,2}})"
_ZIP = (
    r"(?:,? (?:[A-Z]{2} )?[0-9]{5}(?:-[0-9]{4})?|,? [A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}"
    r"|,? [A-Z][0-9][A-Z] ?[0-9][A-Z][0-9])"
)
_STREET = r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Boulevard|Blvd|Terrace|Crescent|Parkway|Pkwy|Highway|Hwy|Mews|Quay)"
_PLACE = r"(?:Drive|Dr|Court|Ct|Way|Place|Pl|Square|Sq|Circle|Cir|Trail|Alley|Grove|Gardens|Hill|Row|Walk|Close|Plaza)"
"""Streets too, but in prose these words mean much else: a town has to follow."""
_HOUSE = rf"\b[0-9]{{1,5}}[A-Za-z]?(?:-[0-9]{{1,4}})? (?:[NSEW]\.? )?(?:[{_UPPER}0-9][\w'.-]{{1,24}} ){{1,4}}?"
_FLAT = r"(?: (?:NW|NE|SW|SE|[NSEW])\b)?(?:,? (?:Apt|Suite|Ste|Unit|Flat|#)\.? ?[\w-]{1,6})?"
_TOWN = rf"(?:{_CITY}(?:, [A-Z]{{2}})?{_ZIP}?)"
_ENGLISH = rf"{_HOUSE}(?:{_STREET}\b\.?{_FLAT}{_TOWN}?|{_PLACE}\b\.?{_FLAT}(?=,){_TOWN})"
_GERMAN = (
    rf"\b[{_UPPER}][{_LOWER}]{{1,30}}(?:[ -][{_UPPER}][{_LOWER}]{{1,30}}){{0,2}}?"
    r"(?:straße|strasse|str\.|[ -]Straße|[ -]Str\.|weg|platz|allee|gasse|ring|damm|ufer|chaussee|straat|laan"
    r"|plein|gracht|kade|gatan|vägen|vej|gade)"
    rf" [0-9]{{1,4}} ?[a-z]?\b(?:, ?(?:[A-Z]{{1,2}}-)?[0-9]{{4,5}}(?: [A-Z]{{2}})? [{_UPPER}][\w-]{{1,30}})?"
)
_FRENCH = (
    rf"\b[0-9]{{1,4}}(?: ?bis| ?ter)?,? (?:[Rr]ue|[Aa]venue|[Bb]oulevard"
    rf"|[Pp]lace|[Aa]llée|[Cc]hemin|[Qq]uai|[Ii]mpasse|[Cc]ours|[Rr]oute) "
    rf"(?:(?:de la|de l'|des|du|de|d'|la|le) ?)?[{_UPPER}][\w'-]{{1,30}}(?: [{_UPPER}][\w'-]{{1,30}}){{0,3}}"
    rf"(?:, ?[0-9]{{5}} [{_UPPER}][\w-]{{1,30}})?"
)
_ROMANCE = (
    rf"\b(?:Calle|C/|Avenida|Avda\.?|Av\.|Paseo|Plaza|Carrer|Via|Viale|Piazza|Corso|Rua|Travessa|Praça|Largo) "
    rf"(?:(?:de la|de los|de|del|della|dei|da|do|dos"
    rf"|das) )?[{_UPPER}][\w'.-]{{1,30}}(?: [{_UPPER}\w][\w'.-]{{1,30}}){{0,3}},? "
    rf"(?:n[.ºo°]{{0,2}} ?)?[0-9]{{1,5}}\b(?:[, -]{{1,3}}[0-9]{{4,5}}(?:-[0-9]{{3}})? [{_UPPER}][\w-]{{1,30}})?"
)
_BOX = (
    r"\b(?i:p\.? ?o\.? ?box|post office box|postfach|apartado(?: de correos)?|boîte postale|bp) [0-9]{1,8}"
    rf"(?:{_CITY}(?:, [A-Z]{{2}})?{_ZIP}?)?"
)

_BEFORE_TOWN = (
    rf"\b[{_UPPER}][\w.-]{{1,30}}(?: [\w.-]{{1,30}}){{0,3}} [0-9]{{1,4}} ?[a-z]?, "
    rf"(?:[A-Z]{{1,2}}-)?[0-9]{{4,5}}(?: [A-Z]{{2}})? "
    rf"[{_UPPER}][{_LOWER}]{{2,30}}"
)
"""Any name and number before a postal code and a town."""
_BEFORE_STATE = (
    rf"\b[0-9]{{1,5}} [{_UPPER}][\w.-]{{1,30}}(?: [\w.-]{{1,30}}){{0,3}}, "
    rf"[{_UPPER}][\w. -]{{2,40}}, [A-Z]{{2}} [0-9]{{5}}\b"
)
_GREETINGS = ("dear", "hi", "hello", "hey", "hallo", "liebe", "lieber", "estimado", "estimada", "cher", "chère")
_NOBODY = frozenset(
    listed(
        "All There Team Everyone Everybody Customer Customers Sir Madam World Support User Users Friend Friends "
        "Folks Guest Valued Hiring Assistant Agent Claude Bot Community Colleagues Reader Passenger Human Again "
        "None True False Null Undefined Not"
    )
)
"""Whom a greeting may name without naming a person."""


def _is_somebody(match: re.Match[str]) -> bool:
    return match.group(1).split(" ", 1)[0] not in _NOBODY


PEOPLE = (
    personal(
        "name", behind(_GREETINGS, rf" {_ANY_NAME}(?=[,!\n])", _is_somebody), rf"(?i:{'|'.join(_GREETINGS)}) [{_UPPER}]"
    ),
    personal(
        "name",
        behind(("regards", "sincerely", "signed"), rf",?\s{{1,3}}{_FULL_NAME}"),
        rf"(?i:regards|sincerely|signed),?{BLANK}+[{_UPPER}]",
    ),
    personal("name", matches(rf"\b{_TITLES}\. ({_NAME_WORD})", group=1, flags=0), rf"{_TITLES}\. [{_UPPER}]"),
    personal(
        "address", matches(_BEFORE_TOWN, flags=0), r" [0-9]{1,4} ?[a-z]?, (?:[A-Z]{1,2}-)?[0-9]{4,5}(?: [A-Z]{2})? [^ ]"
    ),
    personal("address", matches(_BEFORE_STATE, flags=0), ", [A-Z]{2} [0-9]{5}"),
    personal(
        "name",
        behind(_INTRODUCTIONS, rf" {{1,2}}(?:{_TITLED})?{_ANY_NAME}", _is_somebody),
        rf"(?i:{'|'.join(_INTRODUCTIONS)}) ",
    ),
    personal(
        "name", matches(rf"{_TITLED}{_FULL_NAME}", group=1, flags=0), rf"{_TITLES}\.? (?:Dr\. |Prof\. )?[{_UPPER}]"
    ),
    personal(
        "name",
        behind(_LABELS, rf"{_LABELLED}{_FULL_NAME}(?![{_LOWER}])", free=False),
        rf"(?i:name|patient|customer|passenger|guest|cardholder|recipient|nombre"
        rf"|nom)\*?\*?[:=] *\*?\*?\\?[\"']?[{_UPPER}][^ ]+ ",
    ),
    personal(
        "address",
        matches(_ENGLISH, flags=0),
        rf"[0-9][A-Za-z]?(?:-[0-9]+)? (?:[NSEW]\.? )?(?:[{_UPPER}0-9][^ ]+ )+(?:{_STREET}|{_PLACE})",
    ),
    personal(
        "address",
        matches(_GERMAN, flags=0),
        r"(?:stra\x{df}e|strasse|str\.|Stra\x{df}e|Str\.|weg|platz|allee|gasse|ring|damm|ufer|chaussee|straat"
        r"|laan|plein|gracht|kade|gatan|v\x{e4}gen|vej|gade) [0-9]",
    ),
    personal(
        "address",
        matches(_FRENCH, flags=0),
        r"[0-9](?: ?bis| ?ter)?,? (?i:rue|avenue|boulevard|place|all\x{e9}e|chemin|quai|impasse|cours|route) ",
    ),
    personal(
        "address",
        matches(_ROMANCE, flags=0),
        r"(?:Calle|C/|Avenida|Avda\.?|Av\.|Paseo|Plaza|Carrer|Via|Viale|Piazza|Corso|Rua|Travessa|Pra\x{e7}a"
        r"|Largo) [^0-9.]*[0-9]",
    ),
    personal(
        "address",
        matches(_BOX, flags=0),
        r"(?i:p\.? ?o\.? ?box|post office box|postfach|apartado|bo\x{ee}te postale|bp) (?:de correos )?[0-9]",
    ),
)
