"""What two declarations of a study differ in: a study may grow, but what was declared stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msde_toolkit.engine.study.definition import Study
from msde_toolkit.errors import InputError

PLACES = ("root", "device")
"""Where things are and what computes them is no part of what a study is."""


def same(one: Study, other: Study) -> bool:
    """Whether both are the same study, wherever the data stands."""
    return _plain(one) == _plain(other)


def added_names(before: Study, after: Study) -> dict[str, list[str]]:
    """Methods and targets that came later."""
    return {
        "methods": [name for name in after.methods if name not in before.methods],
        "targets": [name for name in after.targets if name not in before.targets],
    }


def check_only_added(before: Study, after: Study, directory: Path) -> None:
    """Methods and targets may be added outside the primary family; anything else is another study.

    Raises:
        InputError: naming the first difference.
    """
    old, new = _plain(before), _plain(after)
    for key, told in _changes(old, new):
        message = (
            f"{directory}: the study in it was declared otherwise: {key}: {told}.\n"
            f"What was declared stays; another study needs another --out."
        )
        raise InputError(message)


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in old:
        if old[key] == new.get(key):
            continue
        if key in ("method", "target"):
            for name, spec in old[key].items():
                if name not in new[key]:
                    yield f"{key} {name}", "is missing now"
                else:
                    yield from _changes_of(f"{key} {name}", spec, new[key][name])
        elif isinstance(old[key], Mapping) and isinstance(new[key], Mapping):
            yield from _changes_of(key, old[key], new[key])
        else:
            yield key, _told(old[key], new[key])


def _changes_of(place: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in dict.fromkeys((*old, *new)):
        if old.get(key) != new.get(key):
            yield f"{place}: {key}", _told(old.get(key), new.get(key))


def _told(old: Any, new: Any) -> str:
    return f"was {'not given' if old is None else old}, is {'not given' if new is None else new}"


def _plain(study: Study) -> dict[str, Any]:
    """JSON-ready, methods and targets by name, without places."""
    document = study.model_dump(mode="json")
    for key in ("method", "target"):
        document[key] = {spec["name"]: _placeless(spec) for spec in document[key]}
    return _placeless({**document, "data": _placeless(document["data"])})


def _placeless(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key not in PLACES}
