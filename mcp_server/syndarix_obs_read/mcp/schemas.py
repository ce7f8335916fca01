"""Schemas of arguments and answers as models read them: without what only costs tokens."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from syndarix_obs_read.mcp.untrusted import marked


def of_answer(model: type[BaseModel]) -> dict[str, Any]:
    """Of an answer as it is told: its own fields with their types and meaning.

    What lies deeper is an object here: the whole schemas of all tools were 78 kB, which a model reads before it asks
    anything, and an answer shows its own form. Made from the serialised form, in which amounts are texts.
    """
    found: dict[str, Any] = _without_titles(marked(model).model_json_schema(mode="serialization"))
    found.pop("$defs", None)
    flat: dict[str, Any] = _without_references(found)
    return flat


def of_arguments(model: type[BaseModel]) -> dict[str, Any]:
    """Of the arguments of a tool. That an optional one may be null is left out: leaving it away says the same."""
    found: dict[str, Any] = _without_titles(model.model_json_schema(by_alias=True))
    found["properties"] = {name: _without_null(each) for name, each in found.get("properties", {}).items()}
    return found


def _without_titles(node: Any, *, names: bool = False) -> Any:
    """`names` says that the keys are names of fields or definitions, one of which may be `title`."""
    if isinstance(node, list):
        return [_without_titles(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_titles(value, names=not names and key in {"properties", "$defs"})
        for key, value in node.items()
        if names or key != "title"
    }


def _without_references(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_references(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"type": "object", **{key: value for key, value in node.items() if key == "description"}}
    return {key: _without_references(value) for key, value in node.items() if key != "default"}


def _without_null(argument: dict[str, Any]) -> dict[str, Any]:
    choices = [each for each in argument.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) != 1 or argument.get("default", ...) is not None:
        return argument
    rest = {key: value for key, value in argument.items() if key not in {"anyOf", "default"}}
    return {**choices[0], **rest}
