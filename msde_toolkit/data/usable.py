"""Images that cannot be used: found one by one, and left out where the user chose so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from msde_toolkit.data.decoded_files import decoded_before, remember, stamps
from msde_toolkit.data.image_cache import Progress, cache_key, chunked, read_each
from msde_toolkit.data.source import Source
from msde_toolkit.errors import DataError
from msde_toolkit.files import cache_directory, whole
from msde_toolkit.interfaces import Dataset
from msde_toolkit.types import Manifest

NAMED = 3
"""So many unusable images are named; the others are counted."""


def unreadable(dataset: Dataset, manifest: Manifest, progress: Progress | None = None) -> dict[str, str]:
    """Sample id to reason of every image that cannot be decoded. All are tried once; the cache remembers the answer.

    Where a sample is a plain image file, a file that was decoded before is not tried again in a set that has changed.
    """
    key = cache_key(dataset, manifest, str(manifest.root))
    file = cache_directory("images") / f"{key}.unreadable.json"
    known = _remembered(file)
    if known is None:
        known = _tried(dataset, manifest, progress)
        with whole(file) as partial_file:
            document = {"dataset": manifest.name, "unreadable": known}
            partial_file.write_text(json.dumps(document), encoding="utf-8")
        file.chmod(0o600)
    return known


def _tried(dataset: Dataset, manifest: Manifest, progress: Progress | None) -> dict[str, str]:
    of_files = stamps(dataset, manifest)
    new = manifest if of_files is None else manifest.take(~decoded_before(dataset, manifest, of_files))
    known: dict[str, str] = {}
    done = 0
    for reasons, count in chunked(new, partial(_reasons, dataset)) if len(new) else ():
        known.update(reasons)
        done += count
        if progress is not None:
            progress(done, len(new))
    if of_files is not None:
        remember(dataset, manifest, of_files[~manifest.frame["id"].isin(list(known)).to_numpy(dtype=bool)])
    return known


def leave_out_unreadable(source: Source, progress: Progress | None = None) -> Source:
    """The source without images that cannot be decoded, and with a note that names them.

    Raises:
        DataError: if not one image can be decoded.
    """
    manifest = source.manifest
    reasons = unreadable(source.dataset, manifest, progress)
    if not reasons:
        return source
    check_some_are_left(manifest, reasons)
    lost = manifest.records(reasons, lambda _sample: "unreadable")
    return replace(source, manifest=manifest.without(lost, [left_out_note(reasons)]))


def stop_at_unreadable(reasons: Mapping[str, str]) -> None:
    """Whether every image could be decoded.

    Args:
        reasons: why not, by sample id.

    Raises:
        DataError: naming the first, and how many others there are.
    """
    if reasons:
        sample, reason = next(iter(reasons.items()))
        more = f" ({len(reasons) - 1} more cannot be read)" if len(reasons) > 1 else ""
        message = f"sample {sample}: {reason}{more}"
        raise DataError(message)


def check_some_are_left(manifest: Manifest, reasons: Mapping[str, str]) -> None:
    """Whether there is an image that can be used.

    Raises:
        DataError: if there is none.
    """
    if len(reasons) == len(manifest):
        first = next(iter(reasons.values()))
        message = f"{manifest.name}: none of its {len(manifest)} images can be decoded; {first}"
        raise DataError(message)


def left_out_note(reasons: Mapping[str, str]) -> str:
    """What a manifest notes of the images that were left out."""
    named = "; ".join(f"{sample}: {reason.rstrip('.')}" for sample, reason in list(reasons.items())[:NAMED])
    more = "; ..." if len(reasons) > NAMED else ""
    images = "1 image that cannot" if len(reasons) == 1 else f"{len(reasons)} images that cannot"
    return f"{images} be decoded left out ({named}{more})"


def _reasons(dataset: Dataset, rows: Manifest) -> tuple[dict[str, str], int]:
    found = zip(rows.ids, read_each(dataset, rows), strict=True)
    return {sample: str(image) for sample, image in found if isinstance(image, DataError)}, len(rows)


def _remembered(file: Path) -> dict[str, str] | None:
    try:
        reasons = json.loads(file.read_text(encoding="utf-8"))["unreadable"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return reasons if isinstance(reasons, dict) else None
