"""Where an archive lies: a folder, or any address that fsspec knows (`s3://…`, `gs://…`, `abfs://…`, `memory://…`)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from syndarix_obs_read.errors import BackendUnavailable, UsageError

T = TypeVar("T")
_BLOCK: Final = 1 << 20


class ArchivePlace:
    """Files by their name below one address.

    Args:
        address: a folder, or an address with a scheme.
        work: folder for copies of remote files while they are read; made if need be.

    Raises:
        UsageError: an address with a scheme needs a package that is not installed.
    """

    def __init__(self, address: str, work: Path) -> None:
        self.work = work
        self.is_local = "://" not in address
        self.address = str(Path(address).expanduser().absolute()) if self.is_local else address.rstrip("/")
        self._root = self.address
        self._fs = None if self.is_local else self._file_system()
        if self._fs is not None:
            self._root = self._fs._strip_protocol(self.address)

    def _file_system(self) -> Any:
        try:
            import fsspec

            return fsspec.core.url_to_fs(self.address)[0]
        except (ImportError, ValueError) as error:
            raise UsageError(
                f"cannot use the archive {self.address}: {error}. Addresses need the extra `archive`, and object "
                "storage the package of its scheme (s3fs for s3://, gcsfs for gs://, adlfs for abfs://)"
            ) from None

    def path(self, name: str) -> Path:
        """A file of a local archive."""
        return Path(self._root) / name

    def names(self, beginning: str) -> list[str]:
        """Names of the files whose name begins like this, in order; a beginning is a whole folder."""
        if self.is_local:
            folder = self.path(beginning)
            files = [each for each in folder.rglob("*") if each.is_file()] if folder.is_dir() else []
            return sorted(each.relative_to(self._root).as_posix() for each in files)
        root = f"{self._root}/"
        full = f"{root}{beginning}"
        found: list[str] = self._asked(lambda fs: fs.find(full) if fs.exists(full) else [])
        return sorted(each[each.index(root) + len(root) :] for each in found)

    def read(self, name: str) -> bytes | None:
        """The bytes of a small file; None when there is none."""
        if self.is_local:
            return self.path(name).read_bytes() if self.path(name).exists() else None
        full = f"{self._root}/{name}"
        return self._asked(lambda fs: bytes(fs.cat_file(full)) if fs.exists(full) else None)

    def write(self, name: str, data: bytes) -> None:
        """A small file, whole or not at all where the storage can do that."""
        with self.draft() as draft:
            draft.write_bytes(data)
            self.put(draft, name)

    def put(self, draft: Path, name: str) -> None:
        """Move a local file to its place. Raises OSError or BackendUnavailable."""
        if self.is_local:
            target = self.path(name)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            moving = target.with_name(f".{target.name}.draft")
            shutil.move(draft, moving)
            _sync(moving)
            moving.replace(target)
            return
        full = f"{self._root}/{name}"

        def send(fs: Any) -> None:
            fs.makedirs(full.rpartition("/")[0], exist_ok=True)
            fs.put_file(str(draft), full)

        self._asked(send)

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        if self.is_local:
            self.path(name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # others lie in it
                self.path(name).parent.rmdir()
            return
        full = f"{self._root}/{name}"
        self._asked(lambda fs: fs.rm_file(full) if fs.exists(full) else None)

    @contextlib.contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """A file as one of this machine: itself, or a copy that is deleted afterwards. Raises FileNotFoundError."""
        if self.is_local:
            yield self.path(name)
            return
        with self.draft() as copy:
            self._asked(lambda fs: fs.get_file(f"{self._root}/{name}", str(copy)))
            yield copy

    @contextlib.contextmanager
    def draft(self) -> Iterator[Path]:
        """A name for a file of this machine that only its owner can read; deleted afterwards."""
        self.work.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.work, prefix="draft-") as folder:
            yield Path(folder) / "file"

    def sha256(self, name: str) -> str:
        """Hash of the bytes that the place gives back. Raises FileNotFoundError."""
        if self.is_local:
            return sha256_of(self.path(name))
        with self.local(name) as copy:
            return sha256_of(copy)

    def _asked(self, action: Callable[[Any], T]) -> T:
        try:
            return action(self._fs)
        except FileNotFoundError:
            raise
        except Exception as error:  # every storage has errors of its own
            raise BackendUnavailable(
                f"the archive {self.address} does not answer ({type(error).__name__}: {error}): check its address and "
                "the credentials in the environment"
            ) from error


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
