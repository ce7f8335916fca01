"""The pytest fixture `replayed_session`: a recorded session as a regression test, without a store or a network.

def test_the_refund_that_failed(replayed_session):
    with replayed_session("tests/replays/refund.json"):
        support("Where is my refund?")
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from syndarix_obs.replaying.player import Player


@pytest.fixture
def replayed_session(request: pytest.FixtureRequest) -> Callable[..., AbstractContextManager[Player]]:
    """A function that takes the file of a recording (from the root of the tests, or beside the test) and the options of
    `replaying`, and gives a context manager: the test fails at the first step that is not as recorded."""
    from syndarix_obs.replaying.session import replaying

    def replay(recording: str | Path, **options: Any) -> AbstractContextManager[Player]:
        given = Path(recording)
        places = (given, request.path.parent / given, request.config.rootpath / given)
        return replaying(next((place for place in places if place.is_file()), given), **options)

    return replay
