"""Votes from Label Studio: the export (JSON, JSON-MIN or CSV) of a project with one choice (``<Choices>``) an image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from msde_toolkit.data.verification.votes import Vote, parse_label
from msde_toolkit.errors import DataError
from msde_toolkit.types import Manifest

FLAT = frozenset(("annotation_id", "annotator"))
"""What every row of a flat export has."""
NO_CHOICE = FLAT | {"id", "image", "created_at", "updated_at", "lead_time"}
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the name of an uploaded file."""


def read_export(file: Path, manifest: Manifest) -> list[Vote]:
    """All finished annotations; skipped ones and drafts are no votes.

    A task is a sample of the manifest by ``data.id``, or by the name of its image. An annotation without a choice is
    that of a rater who names no class.

    Raises:
        DataError: naming the task: not an export, an image that no sample or several have, several choices at once,
            a choice that is no class.
    """
    try:
        tasks = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        message = f"{file}: cannot be read as Label Studio's JSON export ({type(error).__name__})."
        raise DataError(message) from error
    if isinstance(tasks, list) and tasks and all(isinstance(task, dict) and set(task) >= FLAT for task in tasks):
        return flat_votes([(f"entry {number}", task) for number, task in enumerate(tasks, 1)], manifest, str(file))
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "data" in task for task in tasks):
        message = f"{file}: is no Label Studio export: it must be a list of tasks, each with 'data' and 'annotations'."
        raise DataError(message)
    samples = _Samples(manifest)
    return [vote for number, task in enumerate(tasks, start=1) for vote in _votes(task, number, samples, file)]


def flat_votes(rows: Sequence[tuple[str, Mapping[str, Any]]], manifest: Manifest, source: str) -> list[Vote]:
    """Votes of the flat exports (JSON-MIN, CSV), one annotation a row, each with its place for messages.

    The choice stands in a column of the project's own name: the one that holds nothing but classes. ``id`` is Label
    Studio's own, so samples are found by their image's name.

    Raises:
        DataError: if no column or several can be the choice; and as ``read_export``.
    """
    keys = dict.fromkeys(key for _, row in rows for key in row if key not in NO_CHOICE)
    found = [key for key in keys if _is_choice([row.get(key) for _, row in rows], manifest.classes)]
    if len(found) != 1:
        told = "no column" if not found else f"several columns ({', '.join(found)})"
        message = f"{source}: {told} of this Label Studio export can be the choice of {', '.join(manifest.classes)}."
        raise DataError(message)
    samples, votes = _Samples(manifest), []
    for where, row in rows:
        try:
            sample = samples.of({key: value for key, value in row.items() if key != "id"})
            label = parse_label(str(row.get(found[0]) or ""), manifest.classes)
            votes.append(Vote(sample, _rater({"completed_by": row["annotator"]}), label, where))
        except ValueError as error:
            message = f"{source}, {where}: {error}."
            raise DataError(message) from error
    return votes


def _is_choice(cells: Sequence[Any], classes: Sequence[str]) -> bool:
    words = [str(cell).strip().lower() for cell in cells if cell not in (None, "")]
    return bool(words) and set(words) <= set(classes)


class _Samples:
    """Finds a task's sample."""

    def __init__(self, manifest: Manifest) -> None:
        self.classes = manifest.classes
        self._ids = set(manifest.ids)
        self._by_name: dict[str, list[str]] = {}
        for sample, path in zip(manifest.ids, manifest.frame["path"], strict=True):
            self._by_name.setdefault(PurePosixPath(path).name, []).append(sample)

    def of(self, data: Mapping[str, Any]) -> str:
        """The sample's id.

        Raises:
            ValueError: saying why there is not exactly one.
        """
        if str(data.get("id")) in self._ids:
            return str(data["id"])
        image = next((str(data[key]) for key in ("image", "img", "photo") if data.get(key)), "")
        name = unquote(image.partition("?")[0]).replace("\\", "/").rpartition("/")[2]
        found = self._by_name.get(name) or self._by_name.get(_UPLOADED.sub("", name)) or []
        if len(found) != 1:
            message = f"its image {name!r} is that of {len(found)} samples; give the sample's id in data.id"
            raise ValueError(message)
        return found[0]


def _votes(task: Mapping[str, Any], number: int, samples: _Samples, file: Path) -> Iterator[Vote]:
    where = f"task {task.get('id', number)}"
    try:
        sample = samples.of(task["data"])
        for annotation in task.get("annotations") or ():
            if not annotation.get("was_cancelled"):
                yield Vote(sample, _rater(annotation), parse_label(_choice(annotation), samples.classes), where)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"{file}, {where}: {error}."
        raise DataError(message) from error


def _rater(annotation: Mapping[str, Any]) -> str:
    who = annotation.get("completed_by")
    name = (who.get("email") or who.get("id")) if isinstance(who, dict) else who
    if name in (None, ""):
        message = "an annotation does not say who made it (completed_by)"
        raise ValueError(message)
    return str(name)


def _choice(annotation: Mapping[str, Any]) -> str:
    chosen = [
        choice
        for result in annotation.get("result") or ()
        if result.get("type") == "choices"
        for choice in result["value"]["choices"]
    ]
    if len(chosen) > 1:
        message = f"an annotation has several choices ({', '.join(map(str, chosen))}); the rule takes one a rater"
        raise ValueError(message)
    return str(chosen[0]) if chosen else ""
