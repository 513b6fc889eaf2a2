"""Values for a pydantic model from text or TOML, with errors a user can act on: one line, the key, what is expected."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from msde_toolkit.errors import InputError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Values = TypeVar("Values", bound=BaseModel)


def validated(cls: type[Values], values: Mapping[str, Any], prefix: str) -> Values:
    """An instance of ``cls``.

    Args:
        cls: a pydantic model.
        values: by field name; text is converted to the field's type, and JSON text is accepted for lists and tables.
        prefix: what keys carry in messages: ``model.`` or ``--``.

    Raises:
        InputError: unknown key (with the nearest one and the list), or a value that does not fit.
    """
    for key in values:
        if key not in cls.model_fields:
            message = f"{prefix}{key}: unknown option. {nearest(str(key), list(cls.model_fields), prefix)}"
            raise InputError(message)
    try:
        return cls.model_validate(values)
    except ValidationError as first:
        decoded = {key: _decoded(value) if _concerns(first, key) else value for key, value in values.items()}
    try:
        return cls.model_validate(decoded)
    except ValidationError as error:
        raise InputError(_explain(error.errors(include_url=False), values, prefix)) from error


def nearest(key: str, valid: Sequence[str], prefix: str = "") -> str:
    """Say what was probably meant, and all options, for a key that is not in ``valid``."""
    if not valid:
        return "There are no options."
    close = get_close_matches(key, valid, n=1, cutoff=0.5)
    hint = f"Did you mean {prefix}{close[0]}? " if close else ""
    return f"{hint}Options: {', '.join(prefix + name for name in valid)}."


def _concerns(error: ValidationError, key: str) -> bool:
    return any(detail["loc"][:1] == (key,) for detail in error.errors(include_url=False))


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _explain(details: Sequence[ErrorDetails], values: Mapping[str, Any], prefix: str) -> str:
    """One line about the first wrong key; a union's branches are alternatives for the same key."""
    first = details[0]
    if not first["loc"]:
        return f"{prefix.rstrip('.')}: {_told(first)}."
    key = str(first["loc"][0])
    if first["type"] == "missing" and len(first["loc"]) == 1:
        return f"{prefix}{key}: is required and was not given."
    branches = dict.fromkeys(
        f"{_inside(detail, values.get(key))}{_told(detail)}" for detail in details if detail["loc"][:1] == (key,)
    )
    return f"{prefix}{key} = {values.get(key)!r}: {' or '.join(branches)}."


def _inside(detail: ErrorDetails, value: Any) -> str:
    """Where in a list or table the error is; pydantic's names for a union's branches are left out."""
    place, value = "", _decoded(value)
    for step in detail["loc"][1:]:
        if isinstance(value, Mapping) and (step in value or detail["type"] == "missing"):
            value, place = value.get(step), f"{place}.{step}"
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value, place = value[step], f"{place}[{step}]"
    return f"at {place.removeprefix('.')} " if place else ""


def _told(detail: ErrorDetails) -> str:
    if detail["type"] in {"tuple_type", "list_type"}:
        return "expected a list such as [1, 2]"
    text = detail["msg"].removeprefix("Value error, ").rstrip(".")
    return text.replace("Input should be", "expected", 1)
