"""Who reads a report need not know where its sender keeps things: files are told by their names alone."""

from __future__ import annotations

import re

_ABSOLUTE = re.compile(r"""(?<![\w.:/\\-])(?:~|[A-Za-z]:)?[\\/](?:[^\\/\s:'",;]+[\\/]+)*(?=[^\\/\s])""")
"""The folders of an absolute path inside a text, on any system."""


def without_folders(text: str) -> str:
    """The text, each absolute path in it cut to its last part."""
    return _ABSOLUTE.sub("", text)


def name_alone(word: str) -> str:
    """A word that may be a path, cut to its last part where it is an absolute one; spaces in it are no end."""
    absolute = word.startswith(("/", "~")) or word[1:3] in {":\\", ":/"}
    return word.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] if absolute else word
