"""One metric with its series: label values are cleaned and capped once, then found again in one lookup.

`prometheus_client`'s own `.labels()` locks, stringifies and compares at every call; here a known combination
of values costs one dict lookup.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

Child = TypeVar("Child", Counter, Gauge, Histogram)

UNKNOWN: Final = "unknown"
"""Label value of what nobody said."""
OTHER: Final = "other"
"""Label value of everything beyond the cap."""
LONGEST_VALUE: Final = 120
"""Characters of a label value; labels are names, and what is longer is not one."""
_MOST_REMEMBERED: Final = 20_000


class Family(Generic[Child]):
    """A metric and its children.

    Args:
        name: full name of the metric.
        metric: the registered parent.
        labels: its label names, in order.
        cap: most distinct values of one label; further ones become `other`.
        on_collapse: told the metric and the label each time that happens.
        clean: masks a value; asked once for each new one.
        siblings: values of a label that exist at 0 as soon as one of them does, so that `increase()` sees the
            first.
    """

    def __init__(
        self,
        name: str,
        metric: Child,
        labels: tuple[str, ...],
        cap: int,
        on_collapse: Callable[[str, str], None],
        siblings: Mapping[str, tuple[str, ...]],
        clean: Callable[[str], str] = str,
    ) -> None:
        self._name = name
        self._metric: Child = metric
        self._labels = labels
        self._cap = cap
        self._on_collapse = on_collapse
        self._siblings = siblings
        self._clean = clean
        self._known: tuple[set[str], ...] = tuple(set() for _ in labels)
        self._children: dict[tuple[object, ...], Child] = {}
        self._lock = threading.Lock()

    def child(self, values: tuple[object, ...]) -> Child:
        """The series of these label values, made when it is new. Any value will do; None and "" are `unknown`.

        Raises:
            ValueError: there are more or fewer values than labels.
        """
        try:
            return self._children[values]
        except (KeyError, TypeError):
            return self._find(values)

    def _find(self, values: tuple[object, ...]) -> Child:
        if len(values) != len(self._labels):
            raise ValueError(f"{len(values)} label values for {len(self._labels)} labels: {', '.join(self._labels)}")
        if not values:
            return self._metric
        texts = tuple(_text(value, self._clean) for value in values)
        with self._lock:
            allowed = tuple(self._allowed(position, text) for position, text in enumerate(texts))
            child = self._metric.labels(*allowed)
            self._remember(values, texts == allowed, child)
        for position, text in enumerate(allowed):
            if text != texts[position]:
                self._on_collapse(self._name, self._labels[position])
        self._touch_siblings(allowed)
        return child

    def _allowed(self, position: int, text: str) -> str:
        known = self._known[position]
        if text in known or text == OTHER:
            return text
        if len(known) >= self._cap:
            return OTHER
        known.add(text)
        return text

    def _remember(self, values: tuple[object, ...], whole: bool, child: Child) -> None:
        """Keep what is safe to find again: collapsed values would have no bound, 1 and True are equal as
        keys.
        """
        if whole and all(value is None or isinstance(value, str) for value in values):
            if len(self._children) >= _MOST_REMEMBERED:
                self._children.clear()
            self._children[values] = child

    def _touch_siblings(self, values: tuple[str, ...]) -> None:
        for position, label in enumerate(self._labels):
            others = self._siblings.get(label, ())
            if values[position] in others:
                for other in others:
                    self._metric.labels(*values[:position], other, *values[position + 1 :])


def _text(value: object, clean: Callable[[str], str]) -> str:
    if value is None or value == "":
        return UNKNOWN
    text = clean(value if isinstance(value, str) else str(value))  # before the cut, which could hide half of a secret
    # A lone surrogate cannot be written as UTF-8 and would break every scrape.
    return text[:LONGEST_VALUE].encode("utf-8", "replace").decode("utf-8")
