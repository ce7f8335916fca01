"""Several connections of one process: no lock is dropped, nothing goes into a log that is nobody's any more."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from syndarix_obs.errors import StoreError
from syndarix_obs.identity import INDEX_FILE, Identity
from syndarix_obs.records.model import Record
from syndarix_obs.store import holders
from syndarix_obs.store.database import open_for_read, open_for_write
from syndarix_obs.store.file_check import check
from syndarix_obs.store.filesystem import file_system, refuse_network
from syndarix_obs.store.writer import StoreWriter

Calls = Callable[[int], list[Record]]
SPAWN = multiprocessing.get_context("spawn")
FORK = multiprocessing.get_context("fork")
MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
31 22 0:50 / /home/ada rw - nfs4 server:/home/ada rw
32 31 8:2 / /home/ada/local\\040disk rw - xfs /dev/sdb1 rw
33 22 0:51 / /mnt/share rw - cifs //server/share rw
34 22 0:52 / /mnt/remote rw - fuse.sshfs ada@server: rw
"""
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def write_apart(path: Path, records: list[Record]) -> None:
    """In another process: store records and close."""
    writer = StoreWriter(path)
    writer.write(records)
    writer.close()


def locks(path: Path) -> int:
    """How many locks this process holds on the file and its shared memory, as the kernel says."""
    ours = {os.stat(f"{path}{suffix}").st_ino for suffix in ("", "-shm")}
    fields = [line.split() for line in Path("/proc/locks").read_text(encoding="ascii").splitlines()]
    return sum(int(each[5].rsplit(":", 1)[1]) in ours for each in fields if each[4] == str(os.getpid()))


def counts(path: Path) -> tuple[int, str]:
    """Records that are stored, and what SQLite says about the file."""
    reader = open_for_read(path)
    found = reader.execute("SELECT count(*) FROM records").fetchone()[0]
    whole = reader.execute("PRAGMA integrity_check").fetchone()[0]
    reader.close()
    return found, whole


@linux_only
def test_opening_checking_and_closing_drops_no_lock_of_the_process(path: Path, calls: Calls) -> None:
    writer = StoreWriter(path)
    writer.write(calls(1))
    before = locks(path)
    assert before >= 2
    for again in (StoreWriter(path), open_for_write(path), open_for_read(path)):
        check(path)
        again.close()
        assert before == locks(path)
    writer.close()


@linux_only
def test_the_index_of_users_drops_no_lock_either(tmp_path: Path) -> None:
    index = tmp_path / INDEX_FILE
    identity = Identity(tmp_path)
    identity.pseudonym("ada")
    identity.flush()
    other = sqlite3.connect(index, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM users").fetchall()

    def held() -> int:
        return Path("/proc/locks").read_text(encoding="ascii").count(f":{index.stat().st_ino} ")

    before = held()
    assert 1 == len(identity.users())
    assert 1 == before == held()
    other.execute("ROLLBACK")
    other.close()


def test_a_log_that_was_deleted_under_the_writer_loses_no_record_and_harms_no_file(path: Path, calls: Calls) -> None:
    first, second = StoreWriter(path), StoreWriter(path)
    all_calls = calls(30)
    first.write(all_calls[:20])
    reader = open_for_read(path)  # as if the process had dropped its locks, and another had merged the log
    reader.close()
    merged = sqlite3.connect(path)
    merged.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    merged.close()
    os.unlink(f"{path}-wal")
    os.unlink(f"{path}-shm")
    other = FORK.Process(target=lambda: StoreWriter(path).write(all_calls[20:40]))
    other.start()
    other.join()
    second.write(all_calls[40:])
    first.close()
    second.close()
    assert (30, "ok") == counts(path)


def test_a_log_that_was_deleted_with_what_was_in_it_is_never_merged_into_the_file(path: Path, calls: Calls) -> None:
    writer = StoreWriter(path)
    all_calls = calls(450)
    writer.write(all_calls[:400])
    merged = sqlite3.connect(path)
    merged.execute("PRAGMA wal_checkpoint(PASSIVE)")
    merged.close()
    writer.write(all_calls[400:600])  # stands in the log alone, and goes with it
    os.unlink(f"{path}-wal")
    os.unlink(f"{path}-shm")
    other = SPAWN.Process(target=write_apart, args=(path, all_calls[600:]))
    other.start()
    other.join()
    writer.close()
    assert (350, "ok") == counts(path)


def test_a_file_that_was_replaced_is_written_in_its_new_place(path: Path, calls: Calls) -> None:
    writer = StoreWriter(path)
    writer.write(calls(3))
    for suffix in ("", "-wal", "-shm"):
        os.rename(f"{path}{suffix}", f"{path}.old{suffix}")
    assert not writer.is_current()
    writer.write(calls(5))
    writer.close()
    assert (5, "ok") == counts(path)


def test_a_forked_child_writes_with_connections_of_its_own(path: Path, calls: Calls) -> None:
    writer = StoreWriter(path)
    writer.write(calls(10)[:10])

    def child() -> None:
        own = StoreWriter(path)
        own.write(calls(10)[10:])
        if sys.platform == "linux":
            assert locks(path) >= 2
        own.close()

    process = FORK.Process(target=child)
    process.start()
    writer.write(calls(12)[20:])
    process.join()
    assert 0 == process.exitcode
    writer.close()
    assert (12, "ok") == counts(path)


def test_a_child_forked_while_its_parent_writes_is_told_so(path: Path, calls: Calls) -> None:
    writer = StoreWriter(path)
    writer.write(calls(1))

    class Busy:
        """Is at work for longer than a fork waits."""

        def __init__(self) -> None:
            self.path = path

        def let_go(self, timeout: float) -> bool:
            return False

        def take_back(self) -> None:
            raise AssertionError("it did not let go")

        def start_over(self, *, closed: bool) -> None:
            assert not closed

    busy = Busy()
    holders.register(busy)

    def child() -> None:
        with pytest.raises(StoreError, match="start method `spawn`"):
            open_for_read(path)

    process = FORK.Process(target=child)
    process.start()
    process.join()
    del busy
    assert 0 == process.exitcode
    writer.close()


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("ext4", "/var/lib/store.sqlite3"),
        ("nfs4", "/home/ada/.local/share/store.sqlite3"),
        ("ext4", "/home/adam/store.sqlite3"),
        ("xfs", "/home/ada/local disk/store.sqlite3"),
        ("cifs", "/mnt/share/store.sqlite3"),
    ],
)
def test_the_file_system_is_that_of_the_closest_mount(tmp_path: Path, kind: str, path: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS, encoding="ascii")
    assert kind == file_system(Path(path), mounts)


@pytest.mark.parametrize("path", ["/home/ada/s.sqlite3", "/mnt/share/s.sqlite3", "/mnt/remote/s.sqlite3"])
def test_a_network_file_system_is_refused_with_the_next_step(tmp_path: Path, path: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS, encoding="ascii")
    with pytest.raises(StoreError, match=r"network file system .*SYNDARIX_OBS_HOME to a folder on a local disk"):
        refuse_network(Path(path), mounts)


def test_a_local_disk_is_taken(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS, encoding="ascii")
    refuse_network(Path("/srv/s.sqlite3"), mounts)
    refuse_network(Path("/srv/s.sqlite3"), tmp_path / "there is none")
