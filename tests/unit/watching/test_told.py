"""What receivers were told is remembered: across processes, and for each of them alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.watching.messages import Message, Unusual
from syndarix_obs_read.watching.tell import Telling
from syndarix_obs_read.watching.told import Told

ONE = Unusual("support", 5, ("cost is 3 where 1 was expected (level)",))


@dataclass
class Kept:
    """A receiver that keeps what it gets, or refuses."""

    name: str
    ends_too: bool = True
    refuses: bool = False
    messages: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        if self.refuses:
            raise ReadError(f"{self.name} is down")
        self.messages.append(message)

    @property
    def said(self) -> list[bool]:
        """Of each message, whether it was the end."""
        return [message.ends for message in self.messages]


def telling(home: Path, *channels: Kept) -> Telling:
    """A new process."""
    return Telling(None, lambda _labels: channels, Told(home))


async def test_a_later_process_says_nothing_twice_and_tells_the_end(tmp_path: Path) -> None:
    hook = Kept("hook")
    for unusual in ([ONE], [ONE], []):
        assert [] == await telling(tmp_path, hook).tell(unusual, 10)
    assert [False, True] == hook.said


async def test_only_the_receiver_that_failed_is_told_again(tmp_path: Path) -> None:
    hook, slack = Kept("hook"), Kept("slack", refuses=True)
    trouble = await telling(tmp_path, hook, slack).tell([ONE], 1)
    assert ["the alert about support was not taken: slack is down"] == trouble
    slack.refuses = False
    assert [] == await telling(tmp_path, hook, slack).tell([ONE], 2)
    assert ([False], [False]) == (hook.said, slack.said)
    slack.refuses = True
    assert ["that support is as usual again was not taken: slack is down"] == (
        await telling(tmp_path, hook, slack).tell([], 3)
    )
    slack.refuses = False
    await telling(tmp_path, hook, slack).tell([], 4)
    assert ([False, True], [False, True]) == (hook.said, slack.said)


async def test_who_does_not_want_the_end_hears_of_the_next_episode(tmp_path: Path) -> None:
    mail = Kept("mail", ends_too=False)
    for unusual in ([ONE], [], [Unusual("support", 9, ONE.words)]):
        await telling(tmp_path, mail).tell(unusual, 10)
    assert [(False, 5), (False, 9)] == [(each.ends, each.about.since_ns) for each in mail.messages]


async def test_a_memory_that_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "watch-told.json").write_text("[1]")
    hook = Kept("hook")
    await telling(tmp_path, hook).tell([ONE], 10)
    await telling(tmp_path, hook).tell([ONE], 10)
    assert [False] == hook.said


def test_a_message_says_what_since_when_and_where_to_look() -> None:
    end = Message(Unusual("sup\nport", 10**9, ("cost: level",)), ends=True, at_ns=3 * 10**9)
    assert "[RESOLVED] AgentAnomaly · sup port" == end.title
    assert "cost: level\nSince: 1970-01-01 00:00:01 UTC, until 1970-01-01 00:00:03 UTC\nNext: syndarix-obs" in end.text
