"""Is a board what Grafana's own published schema says it is?

grafana-foundation-sdk is generated from that schema. Its classes read JSON leniently: keys that they do not know get
lost, values are taken as they come. So a board is read and written back, and what was lost is a key that Grafana does
not know; then every value is held against the type that its class declares.
"""

from __future__ import annotations

import enum
import json
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from grafana_foundation_sdk.cog import plugins, runtime
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

plugins.register_default_plugins()

NEWER = {"layoutAlgorithm"}
"""Keys that Grafana 12 writes (`panelcfg.cue` of its node graph) and this release of the SDK does not know; older ones
pass over them."""


def problems(board: Mapping[str, Any]) -> list[str]:
    """Every key that Grafana does not know and every value of a wrong type, with its path."""
    bare = {**board, "panels": [_without_targets(panel) for panel in board["panels"]]}
    found = list(_compare("board", bare, Dashboard.from_json(bare)))
    for panel in board["panels"]:
        if panel["type"] != "row":
            found += _panel_problems(panel)
    return found


def _without_targets(panel: Mapping[str, Any]) -> dict[str, Any]:
    """Targets of a panel with several data sources are only understood one by one."""
    return {name: value for name, value in panel.items() if name != "targets"}


def _panel_problems(panel: Mapping[str, Any]) -> list[str]:
    config = runtime.panelcfg_config(panel["type"])
    if config is None or config.options_from_json_hook is None:
        return [f"{panel['title']}: the schema knows no panel of type {panel['type']}"]
    found: list[str] = []
    for target in panel["targets"]:
        query = runtime.dataquery_from_json(target, "")
        if isinstance(query, runtime.UnknownDataquery):
            found.append(f"{panel['title']}: no such query: {target}")
        found += _compare(f"{panel['title']} {target['refId']}", target, query)
    for override in panel["fieldConfig"]["overrides"]:
        for each in override["properties"]:
            if each["id"].startswith("custom."):
                custom = {each["id"].removeprefix("custom."): each["value"]}
                assert config.field_config_from_json_hook is not None
                found += _compare(f"{panel['title']} override", custom, config.field_config_from_json_hook(custom))
            else:
                found += _default_problems(panel, each)
    return found


def _default_problems(panel: Mapping[str, Any], each: Mapping[str, Any]) -> list[str]:
    """A property without `custom.` is one of the field's own."""
    one = {"type": panel["type"], "fieldConfig": {"defaults": {each["id"]: each["value"]}, "overrides": []}}
    return list(_compare(f"{panel['title']} override", one, Panel.from_json(one)))


def _compare(path: str, ours: Any, read: Any) -> Iterator[str]:
    yield from _lost(path, ours, json.loads(json.dumps(read, cls=JSONEncoder)))
    yield from _mistyped(path, read, type(read))


def _lost(path: str, ours: Any, theirs: Any) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key not in theirs and key not in NEWER:
                yield f"{path}.{key}: Grafana knows no such key"
            elif key in theirs:
                yield from _lost(f"{path}.{key}", value, theirs[key])
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for place, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _lost(f"{path}[{place}]", mine, other)
    elif ours != theirs:
        yield f"{path}: {ours!r} is read as {theirs!r}"


def _mistyped(path: str, value: Any, declared: Any) -> Iterator[str]:
    if isinstance(value, dict) and hasattr(declared, "from_json"):  # the SDK leaves some lists as they come
        yield from _compare(path, value, declared.from_json(value))
    elif not _fits(value, declared):
        yield f"{path}: {value!r} is no {declared}"
    elif isinstance(value, list):
        item = typing.get_args(declared)
        for place, each in enumerate(value):
            yield from _mistyped(f"{path}[{place}]", each, item[0] if item else Any)
    elif type(value).__module__.startswith("grafana_foundation_sdk"):
        for name, hint in _hints(type(value)).items():
            if (inner := getattr(value, name, None)) is not None:
                yield from _mistyped(f"{path}.{name}", inner, _without_none(hint, inner))


def _hints(cls: type) -> dict[str, Any]:
    start = vars(cls).get("__init__")
    hints = typing.get_type_hints(start, vars(sys.modules[cls.__module__])) if start else {}
    return {name: hint for name, hint in hints.items() if name != "return"}


def _without_none(hint: Any, value: Any) -> Any:
    """The member of a union that a value belongs to."""
    members = typing.get_args(hint) if typing.get_origin(hint) in {typing.Union, types.UnionType} else (hint,)
    return next((member for member in members if _fits(value, member)), hint)


def _fits(value: Any, declared: Any) -> bool:
    origin = typing.get_origin(declared)
    if origin in {typing.Union, types.UnionType}:
        return any(_fits(value, member) for member in typing.get_args(declared))
    if origin is typing.Literal:
        return value in typing.get_args(declared)
    plain = origin or declared
    if plain in {Any, object}:
        return True
    if plain is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if plain is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return value in {each.value for each in plain}
    return isinstance(value, plain)
