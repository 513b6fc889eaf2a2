"""Files that appear whole or not at all, and the folder that runs share."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msde_toolkit.errors import InputError, MsdeError

PARTIAL = ".partial"
"""How a file that is still being written ends."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that replaces it when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        # mkstemp makes files for the owner alone; a run folder follows the user's umask like any other file.
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(0o666 & ~umask)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def written_to(place: Path) -> Iterator[None]:
    """What cannot be written inside is told in the user's words.

    Raises:
        InputError: naming ``place``, where ``--out`` said to write.
    """
    try:
        yield
    except OSError as error:
        message = f"--out {place}: cannot be written ({error.strerror})."
        raise InputError(message) from error


def sha256_of(file: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cache_directory(part: str = "") -> Path:
    """``MSDE_CACHE``, by default the platform's user cache, or a part of it; made with mode 0700.

    Args:
        part: ``images``, ``faces``, ``features``, ``teachers``, ``weights`` or ``ledger``; empty for the whole.

    Raises:
        MsdeError: if it cannot be made.
    """
    import platformdirs

    given = os.environ.get("MSDE_CACHE")
    folder = Path(given) if given else Path(platformdirs.user_cache_dir("msde-toolkit"))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / part).mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        message = f"The image cache {folder} cannot be made ({error.strerror}); set MSDE_CACHE to another folder."
        raise MsdeError(message) from error
    return folder / part
