"""Who hears of an alert, by the routes of an Alertmanager configuration, without an Alertmanager.

Of the file are read: `route` with `routes`, `matchers`, `match`, `match_re` and `continue`; of receivers their
webhooks, Slack and mail; of `global` what these inherit. Times, groups, inhibitions and templates are not: an episode
is one message to each receiver, in words of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.watching.channels import Channel
from syndarix_obs_read.watching.receivers import Reader

_MATCHER: Final = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|(.*?))\s*')

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label."""

    label: str
    operator: str
    value: str

    def holds(self, labels: Labels) -> bool:
        """A label that is not there is empty, as in Alertmanager."""
        value = labels.get(self.label, "")
        found = value == self.value if self.operator in ("=", "!=") else bool(re.fullmatch(self.value, value))
        return found is not self.operator.startswith("!")


@dataclass(frozen=True, slots=True)
class Node:
    """A route with those below it."""

    receiver: str
    matchers: tuple[Matcher, ...]
    goes_on: bool
    below: tuple[Node, ...]

    def receivers(self, labels: Labels) -> Iterator[str]:
        """Of an alert that has come to this route: those of the routes below that match, else its own."""
        found = False
        for route in self.below:
            if all(matcher.holds(labels) for matcher in route.matchers):
                found = True
                yield from route.receivers(labels)
                if not route.goes_on:
                    return
        if not found:
            yield self.receiver


@dataclass(frozen=True, slots=True)
class Routes:
    """The receivers of an alert."""

    root: Node
    channels: Mapping[str, tuple[Channel, ...]]

    def __call__(self, labels: Labels) -> Sequence[Channel]:
        """Each channel once, in the order of the routes."""
        names = dict.fromkeys(self.root.receivers(labels))
        return [channel for name in names for channel in self.channels[name]]


def routes_of(file: Path) -> Routes:
    """The routes of a file.

    Raises:
        SettingsError: it cannot be read, is no such configuration, or a secret that it names is missing.
    """
    try:
        given = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"the file of routes {file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"{file} is no YAML: {error}") from None
    try:
        return _routes(given, file.parent)
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}") from None


def _routes(given: Any, folder: Path) -> Routes:
    if not isinstance(given, dict) or not isinstance(given.get("route"), dict):
        raise SettingsError("there is no `route:` in it; it is to be an Alertmanager configuration")
    shared = given.get("global")
    reader = Reader(folder, shared if isinstance(shared, dict) else {})
    receivers = [each for each in given.get("receivers") or () if isinstance(each, dict)]
    channels = {str(each.get("name")): tuple(reader.channels(each)) for each in receivers}
    root = _node(given["route"], "")
    unknown = sorted(set(_names(root)) - set(channels))
    if unknown:
        raise SettingsError(f"no receiver has the name {', '.join(map(repr, unknown))}; add it below `receivers:`")
    return Routes(root, channels)


def _names(node: Node) -> Iterator[str]:
    yield node.receiver
    for each in node.below:
        yield from _names(each)


def _node(given: Any, inherited: str) -> Node:
    if not isinstance(given, dict):
        raise SettingsError(f"a route is {given!r}; it has to be a mapping with `receiver:` and `matchers:`")
    receiver = str(given.get("receiver") or inherited)
    below = tuple(_node(each, receiver) for each in given.get("routes") or ())
    return Node(receiver, tuple(_matchers(given)), given.get("continue") is True, below)


def _matchers(given: Mapping[str, Any]) -> Iterator[Matcher]:
    for text in given.get("matchers") or ():
        yield _matcher(str(text))
    for key, operator in (("match", "="), ("match_re", "=~")):
        for label, value in (given.get(key) or {}).items():
            yield _checked(Matcher(str(label), operator, str(value)))


def _matcher(text: str) -> Matcher:
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise SettingsError(f'{text!r} is no matcher; write it like severity="critical" or team=~"a|b"')
    label, operator, quoted, plain = found.groups()
    value = plain if quoted is None else re.sub(r"\\(.)", lambda each: {"n": "\n"}.get(each[1], each[1]), quoted)
    return _checked(Matcher(label, operator, value))


def _checked(matcher: Matcher) -> Matcher:
    if matcher.operator.endswith("~"):
        try:
            re.compile(matcher.value)
        except re.error as error:
            raise SettingsError(f"{matcher.value!r} is no regular expression: {error}") from None
    return matcher
