"""Files of models that the user brings: there, and of the kind that they are to be."""

from __future__ import annotations

from pathlib import Path

from msde_toolkit.errors import InputError

POINTER = b"version https://git-lfs"
HEAD = 64
"""Bytes that are looked at."""


def checked_file(file: Path, mark: bytes, where: str) -> Path:
    """A model's file, as far as its first bytes go.

    Args:
        file: given by the user.
        mark: bytes that such files have among the first eight.
        where: how the published file is named, and where it is published.

    Raises:
        InputError: if it is missing or another kind of file, such as the page of a web site or a pointer of Git LFS.
    """
    if not file.is_file():
        raise no_model(file, "no such file", where)
    with file.open("rb") as stream:
        head = stream.read(HEAD)
    if head.startswith(POINTER):
        raise no_model(file, "a pointer of Git LFS, not the file that it points to", where)
    if head.lstrip().startswith(b"<"):
        raise no_model(file, "a web page, not the file behind it", where)
    if mark not in head[:8]:
        raise no_model(file, "no such model, or damaged", where)
    return file


def no_model(file: Path, reason: str, where: str) -> InputError:
    """What is wrong with the file, and where a right one is published."""
    return InputError(f"faces.model = {file}: {reason}. {where}")
