"""A part of a study on its own: its errors say whose they are, and no other process works on it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msde_toolkit.errors import InputError, Interrupted, MsdeError


@contextmanager
def errors_of(what: str) -> Iterator[None]:
    """Errors inside say which part of a study they are of."""
    try:
        yield
    except Interrupted:
        raise
    except MsdeError as error:
        raise type(error)(f"{what}: {error}") from error


@contextmanager
def alone(place: Path, what: str) -> Iterator[None]:
    """Work on one run's folder.

    Raises:
        InputError: if another process is at it.
    """
    from filelock import FileLock, Timeout

    place.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place.parent / f".{place.name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        message = f"{what}: another process is at it."
        raise InputError(message) from error
    try:
        with errors_of(what):
            yield
    finally:
        lock.release()
