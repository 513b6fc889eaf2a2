"""File names for samples: their ids may hold anything, also folders and letters that some file systems lack."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps to itself."""


def file_names(ids: Sequence[str]) -> dict[str, str]:
    """A name for each id, each its own on every file system; the id itself where that is a plain name."""
    common = Counter(sample.casefold() for sample in ids)
    return {sample: _name(sample, alone=common[sample.casefold()] == 1) for sample in ids}


def _name(sample: str, *, alone: bool) -> str:
    if alone and _PLAIN.fullmatch(sample) and not _DEVICES.fullmatch(sample) and not sample.endswith("."):
        return sample
    readable = _NOT_PLAIN.sub("_", sample).strip("._-")[:60]
    digest = hashlib.sha256(sample.encode()).hexdigest()[:12]
    return f"{readable}-{digest}" if readable else digest
