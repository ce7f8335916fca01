"""A budget that a program declared itself: in force until it is closed."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from syndarix_obs.errors import SettingsError
from syndarix_obs.guarding.budgets import checked

if TYPE_CHECKING:
    from syndarix_obs.guarding.guard import Guard


class DeclaredBudget:
    """What `obs.budget(…)` gives: a context manager, or close it yourself, or leave it in force.

    Args:
        guard: the guard that holds it; None when the platform is switched off.
        fields: what it says, in the words of the YAML file.

    Raises:
        SettingsError: a field is not allowed; says which and what would be.
    """

    def __init__(self, guard: Guard | None, fields: dict[str, Any]) -> None:
        try:
            self._budget = checked(fields)
        except ValueError as error:
            raise SettingsError(f"obs.budget: {error}") from None
        self._guard = guard
        if guard is not None:
            guard.add([self._budget])

    @property
    def name(self) -> str:
        """Its name."""
        return self._budget.name

    def close(self) -> None:
        """Take it out of force; what it has counted stays in its account."""
        if self._guard is not None:
            self._guard.remove(self.name)
            self._guard = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
