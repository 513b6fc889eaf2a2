"""Which image files of a set were decoded before, so that a set that grows is not looked at from the start again.

Kept in the cache: a number for each file, made of its path, size and time. No name can be read from it.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from msde_toolkit.files import cache_directory, whole
from msde_toolkit.interfaces import Dataset
from msde_toolkit.types import Manifest

Stamps = npt.NDArray[np.uint64]


def stamps(dataset: Dataset, manifest: Manifest) -> Stamps | None:
    """``[n]`` a number for the file of each sample, another one when the file changes; 0 where there is none.

    None where an image is more than its file: the reader is not the one that all datasets share.
    """
    plain = type(dataset).read is Dataset.read and type(dataset).fingerprint is Dataset.fingerprint
    if not plain or manifest.root is None or not manifest.root.is_dir():
        return None
    root = str(manifest.root)
    return np.array([_stamp(root, path) for path in manifest.frame["path"]], dtype=np.uint64)


def decoded_before(dataset: Dataset, manifest: Manifest, of_files: Stamps) -> npt.NDArray[np.bool_]:
    """``[n]`` whether a sample's file, as it is now, has been decoded without a fault."""
    try:
        document = json.loads(_memory(dataset, manifest).read_text(encoding="utf-8"))
        known = np.array(document["decoded"], dtype=np.uint64)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return np.zeros(len(of_files), dtype=bool)
    before: npt.NDArray[np.bool_] = np.isin(of_files, known) & (of_files != 0)
    return before


def remember(dataset: Dataset, manifest: Manifest, of_files: Stamps) -> None:
    """Keep the stamps of files that were decoded without a fault."""
    file = _memory(dataset, manifest)
    document = {"dataset": manifest.name, "decoded": np.unique(of_files).tolist()}
    with whole(file) as partial:
        partial.write_text(json.dumps(document), encoding="utf-8")
    file.chmod(0o600)


def _stamp(root: str, path: str) -> int:
    try:
        found = os.stat(f"{root}/{path}")  # noqa: PTH116 (fast: a set has hundreds of thousands)
    except OSError:
        return 0
    text = f"{path}\0{found.st_size}\0{found.st_mtime_ns}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _memory(dataset: Dataset, manifest: Manifest) -> Path:
    reader = f"{type(dataset).__module__}.{type(dataset).__qualname__}"
    key = f"{reader}\0{dataset.version}\0{manifest.root and manifest.root.resolve()}"
    return cache_directory("images") / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.decoded.json"
