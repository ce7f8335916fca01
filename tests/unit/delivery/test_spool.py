"""The log of frames on disk: order, crashes, adoption, room."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_sink import Ledger

from syndarix_obs import guard
from syndarix_obs.delivery import ownership
from syndarix_obs.delivery.disk_budget import DiskBudget
from syndarix_obs.delivery.frames import Frame, parse
from syndarix_obs.delivery.spool import MEMORY_BYTES, Spool

MARK = b"(cut)"


def shorten(frame: Frame, keep: int) -> Frame | None:
    return replace(frame, payload=MARK) if frame.payload not in (b"", MARK) else None


def frame(name: str, payload: bytes = b"") -> bytes:
    return Frame(7, b"key", name.encode(), payload, b"!").encode()


def names(spool: Spool, max_bytes: int = 1 << 20) -> list[str]:
    """Drain the spool."""
    found = []
    while frames := spool.peek(max_bytes):
        found += [f.before.decode() for f in frames]
        spool.ack(frames)
    return found


@pytest.fixture
def make(tmp_path: Path, health: Ledger) -> Callable[..., Spool]:
    def made(max_bytes: int = 1 << 26, folder: Path | None = None, budget: DiskBudget | None = None) -> Spool:
        return Spool(folder or tmp_path / "loki", "loki", budget or DiskBudget(max_bytes), health, shorten)

    return made


def test_frames_come_out_as_they_went_in(make: Callable[..., Spool]) -> None:
    spool = make()
    spool.append(Frame(5, b"k", b"before", b"payload", b"after").encode())
    spool.commit()
    assert [(5, b"k", b"before", b"payload", b"after")] == [
        (f.time_ns, f.key, f.before, f.payload, f.after) for f in spool.peek(1 << 20)
    ]


def test_frames_come_in_order_over_many_segments(make: Callable[..., Spool]) -> None:
    spool = make(1_000_000)
    for number in range(300):
        spool.append(frame(f"{number}", b"p" * 300))
        spool.commit()
    assert [str(n) for n in range(300)] == names(spool, 1000)


def test_what_was_not_acked_is_peeked_again(make: Callable[..., Spool]) -> None:
    spool = make()
    spool.append(frame("a"))
    spool.append(frame("b"))
    spool.commit()
    spool.ack(spool.peek(1 << 20)[:1])
    assert ["b"] == names(spool)


def test_a_frame_larger_than_a_request_is_peeked_alone(make: Callable[..., Spool]) -> None:
    spool = make()
    spool.append(frame("small"))
    spool.append(frame("large", b"x" * 100_000))
    spool.commit()
    assert ["small"] == [f.before.decode() for f in spool.peek(1000)]
    assert ["small", "large"] == names(spool, 1000)


def test_a_later_process_adopts_what_is_left_in_order(make: Callable[..., Spool], tmp_path: Path) -> None:
    first = make()
    for name in "abc":
        first.append(frame(name))
    first.commit()
    first.ack(first.peek(1 << 20)[:1])
    first.close()
    second = make()
    second.append(frame("d"))
    second.commit()
    second.adopt()
    assert ["b", "c", "d"] == names(second)
    second.close()
    assert [] == list((tmp_path / "loki").iterdir())


def test_nothing_is_adopted_from_a_living_process(make: Callable[..., Spool]) -> None:
    living, other = make(), make()
    living.append(frame("mine"))
    living.commit()
    other.adopt()
    assert [] == names(other)
    assert 1 == other.siblings
    assert ["mine"] == names(living)


def test_a_torn_frame_at_the_end_is_left_out(make: Callable[..., Spool], tmp_path: Path, health: Ledger) -> None:
    first = make()
    first.append(frame("whole"))
    first.append(frame("torn", b"t" * 100))
    first.commit()
    first.close()
    (segment,) = tmp_path.rglob("*.seg1")
    os.truncate(segment, segment.stat().st_size - 30)
    second = make()
    second.adopt()
    second.append(frame("later"))
    second.commit()
    assert ["whole", "later"] == names(second)
    assert {"spool_damaged": 1} == guard.failures()


def test_a_damaged_frame_does_not_hide_those_behind_it(make: Callable[..., Spool], tmp_path: Path) -> None:
    first = make()
    for name in ("one", "two", "three"):
        first.append(frame(name))
    first.commit()
    first.close()
    (segment,) = tmp_path.rglob("*.seg1")
    data = bytearray(segment.read_bytes())
    data[data.index(b"two")] ^= 0xFF
    segment.write_bytes(data)
    second = make()
    second.adopt()
    assert ["one", "three"] == names(second)
    assert 0 == second.waiting_bytes


def test_garbage_in_a_segment_ends_nothing(make: Callable[..., Spool], tmp_path: Path) -> None:
    folder = tmp_path / "loki" / "00000000000000000001-1-aaaaaa"
    folder.mkdir(parents=True)
    (folder / "0000000001.seg1").write_bytes(b"\xff" * 500)
    (folder / "0000000002.seg1").write_bytes(frame("good"))
    spool = make()
    spool.adopt()
    assert ["good"] == names(spool)


def test_a_position_that_cannot_be_read_means_from_the_start(make: Callable[..., Spool], tmp_path: Path) -> None:
    first = make()
    first.append(frame("a"))
    first.append(frame("b"))
    first.commit()
    first.ack(first.peek(1 << 20)[:1])
    first.close()
    (position,) = tmp_path.rglob("position")
    position.write_bytes(b"?")
    second = make()
    second.adopt()
    assert ["a", "b"] == names(second)


def test_foreign_files_in_a_folder_are_left_alone(make: Callable[..., Spool], tmp_path: Path) -> None:
    folder = tmp_path / "loki" / "00000000000000000001-1-aaaaaa"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    spool = make()
    spool.adopt()
    assert "mine" == (folder / "notes.txt").read_text()


def test_oldest_payloads_go_before_any_record(make: Callable[..., Spool], health: Ledger) -> None:
    spool = make(1_000_000)
    for number in range(1_500):
        spool.append(frame(f"{number}", b"p" * 1_000))
        spool.commit()
    assert 1_000_000 + 2 * 32 * 1024 >= spool.disk_bytes
    assert {"payload_spool_full"} == set(health.drops)
    frames = [f for batch in iter(lambda: _drain_one(spool), []) for f in batch]
    assert [str(n) for n in range(1_500)] == [f.before.decode() for f in frames]
    slim = [f for f in frames if f.payload == MARK]
    assert health.drops["payload_spool_full"] == len(slim)
    assert slim == frames[: len(slim)] or slim == [f for f in frames if int(f.before) in _numbers(slim)]
    assert b"p" * 1_000 == frames[-1].payload


def _numbers(frames: list[Frame]) -> set[int]:
    return {int(f.before) for f in frames}


def _drain_one(spool: Spool) -> list[Frame]:
    frames = spool.peek(1 << 20)
    spool.ack(frames)
    return frames


def test_then_the_oldest_records_go_and_are_counted(make: Callable[..., Spool], health: Ledger) -> None:
    spool = make(1_000_000)
    for number in range(3_000):
        spool.append(frame(f"{number:05d}" + "r" * 1_000))
        spool.commit()
    assert 1_000_000 + 2 * 32 * 1024 >= spool.disk_bytes
    kept = names(spool)
    assert 3_000 == len(kept) + health.drops["spool_full"]
    assert "02999" == kept[-1][:5]
    assert sorted(kept) == kept


def test_destinations_share_one_budget_and_the_oldest_goes_first(
    make: Callable[..., Spool], tmp_path: Path, health: Ledger
) -> None:
    budget = DiskBudget(1_000_000)
    loki, tempo = make(budget=budget), make(budget=budget, folder=tmp_path / "tempo")
    for number in range(600):
        loki.append(frame(f"{number:05d}" + "r" * 1_000))
        loki.commit()
    for number in range(600):
        tempo.append(frame(f"{number:05d}" + "r" * 1_000))
        tempo.commit()
    assert 600 == len(names(tempo))
    assert 600 == len(names(loki)) + health.drops["spool_full"]
    assert health.drops["spool_full"] > 0


def test_what_is_being_sent_is_never_taken_away(make: Callable[..., Spool]) -> None:
    spool = make(1_000_000)
    spool.append(frame("first"))
    spool.commit()
    sending = spool.peek(1 << 20)
    for _ in range(2_000):
        spool.append(frame("r" * 1_000))
        spool.commit()
    spool.ack(sending)
    assert "first" not in names(spool)


def test_processes_that_share_a_folder_share_the_budget(make: Callable[..., Spool], health: Ledger) -> None:
    sibling, spool = make(1_000_000), make(1_000_000)
    sibling.append(frame("alive"))
    sibling.commit()
    spool.adopt()
    for number in range(1_000):
        spool.append(frame(f"{number:05d}" + "r" * 1_000))
        spool.commit()
    assert 500_000 + 2 * 32 * 1024 >= spool.disk_bytes


def test_records_wait_in_memory_while_the_disk_takes_nothing(
    make: Callable[..., Spool], tmp_path: Path, health: Ledger
) -> None:
    (tmp_path / "file").write_text("not a folder")
    spool = make(folder=tmp_path / "file" / "loki")
    spool.append(frame("a"))
    spool.commit()
    assert not spool.safe
    assert {"spool": 1} == guard.failures()
    assert ["a"] == names(spool)
    assert spool.safe
    assert {} == health.drops


def test_memory_is_bounded_and_what_does_not_fit_is_counted(
    make: Callable[..., Spool], tmp_path: Path, health: Ledger
) -> None:
    (tmp_path / "file").write_text("not a folder")
    spool = make(folder=tmp_path / "file" / "loki")
    for number in range(40):
        spool.append(frame(f"{number}", b"p" * 500_000))
        spool.commit()
    assert MEMORY_BYTES >= spool.waiting_bytes
    kept = names(spool)
    assert 40 == len(kept) + health.drops["disk_full"]
    assert "39" == kept[-1]


def test_what_waits_in_memory_at_the_end_is_counted(make: Callable[..., Spool], tmp_path: Path, health: Ledger) -> None:
    (tmp_path / "file").write_text("not a folder")
    spool = make(folder=tmp_path / "file" / "loki")
    spool.append(frame("a"))
    spool.append(frame("b"))
    spool.commit()
    spool.close()
    assert {"shutdown": 2} == health.drops
    spool.append(frame("c"))
    spool.commit()
    assert {"shutdown": 3} == health.drops


def test_delivered_payloads_do_not_linger_on_disk(make: Callable[..., Spool], tmp_path: Path) -> None:
    spool = make()
    spool.append(frame("a", b"p" * 100_000))
    spool.commit()
    assert ["a"] == names(spool)
    assert [] == list(tmp_path.rglob("*.seg1"))


def test_files_are_for_the_owner_only(make: Callable[..., Spool], tmp_path: Path) -> None:
    spool = make()
    spool.append(frame("a"))
    spool.commit()
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "loki").rglob("*")}
    assert {0} == modes


def test_a_spool_that_nothing_was_put_in_leaves_no_trace(make: Callable[..., Spool], tmp_path: Path) -> None:
    spool = make()
    spool.commit()
    spool.adopt()
    spool.close()
    assert [] == list(tmp_path.iterdir())


def test_a_forked_child_starts_anew_and_leaves_the_parents_frames_alone(
    make: Callable[..., Spool], tmp_path: Path
) -> None:
    spool = make()
    spool.append(frame("parent"))
    spool.commit()
    child = os.fork()
    if child == 0:
        spool.append(frame("child"))
        spool.commit()
        os._exit(0 if ["child"] == [f.before.decode() for f in spool.peek(1 << 20)] else 1)
    assert 0 == os.waitpid(child, 0)[1]
    assert 2 == len(list((tmp_path / "loki").iterdir()))
    spool.adopt()
    assert ["child", "parent"] == names(spool)


def test_the_parents_folder_is_free_once_the_parent_is_dead_although_its_child_lives(
    make: Callable[..., Spool], tmp_path: Path
) -> None:
    come, go = os.pipe()
    ready, tell = os.pipe()
    parent = os.fork()
    if parent == 0:
        spool = make()
        spool.append(frame("a"))
        spool.commit()
        if os.fork() == 0:
            os.close(go)
            os.write(tell, b"!")
            os.read(come, 1)  # lives until the test lets go
            os._exit(0)
        os.read(ready, 1)
        os._exit(0)
    assert 0 == os.waitpid(parent, 0)[1]
    heir = make()
    heir.adopt()
    assert ["a"] == names(heir)
    os.close(go)


def test_a_folder_that_is_gone_cannot_be_taken(tmp_path: Path) -> None:
    assert ownership.take(tmp_path / "gone") is None


def test_parsing_any_prefix_of_good_frames_never_fails() -> None:
    data = frame("one", b"p" * 50) + frame("two")
    found = [len(parse(data[:size]).frames) for size in range(len(data) + 1)]
    assert sorted(found) == found
    assert (0, 2) == (found[0], found[-1])


def test_a_collected_spool_keeps_its_frames(make: Callable[..., Spool], tmp_path: Path) -> None:
    spool = make()
    spool.append(frame("a"))
    spool.commit()
    del spool
    gc.collect()
    assert 1 == len(list(tmp_path.rglob("*.seg1")))


def test_a_segment_that_cannot_be_read_is_given_up_and_the_rest_goes_on(
    make: Callable[..., Spool], tmp_path: Path
) -> None:
    spool = make(1_000_000)
    for name in ("lost", "kept"):
        spool.append(frame(name, b"p" * 40_000))
        spool.commit()
    (first, _) = sorted(tmp_path.rglob("*.seg1"))
    first.unlink()
    assert ["kept"] == names(spool)
    assert 1 == guard.failures()["spool"]


def test_a_segment_that_is_gone_costs_one_count_when_room_is_made(
    make: Callable[..., Spool], tmp_path: Path, health: Ledger
) -> None:
    spool = make(1_000_000)
    for number in range(20):
        spool.append(frame(f"{number}", b"p" * 40_000))
        spool.commit()
    for path in sorted(tmp_path.rglob("*.seg1"))[:5]:
        path.unlink()
    for number in range(20, 2_000):
        spool.append(frame(f"{number}" + "r" * 1_000))
        spool.commit()
    assert health.drops["spool_full"] > 0
    assert 1_000_000 + 2 * 32 * 1024 >= spool.disk_bytes


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_folders_of_the_spool_are_the_owners_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        owned = ownership.create(tmp_path / "home" / "spool" / "loki")
    finally:
        os.umask(before)
    folders = [owned.path, *list(owned.path.parents)[:3]]
    assert [0o700] * 4 == [each.stat().st_mode & 0o777 for each in folders]
