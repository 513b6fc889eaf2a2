"""From a plugin's name and its options to an object: the one way in for the engine, the command line and users."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError

from msde_toolkit.errors import InputError
from msde_toolkit.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

    from msde_toolkit.interfaces import Analysis, Dataset, Loss, Masker, Model, Plugin, PluginOptions


def create_model(
    name: str,
    *,
    classes: int = 7,
    options: Mapping[str, Any] | PluginOptions | None = None,
    weights: str | Path | None = None,
) -> Model:
    """A model by name, on the CPU, in training mode as torch makes it (call ``.eval()`` to predict).

    Args:
        name: as in ``msde list models``.
        classes: number of classes C, 2 or more.
        options: of the model; values may be text, as ``--set`` gives them.
        weights: a file of this class's ``state_dict`` or in the layout of the method's authors. It must fit key by key.

    Raises:
        InputError: unknown option or wrong value; weights that cannot be read or do not fit.
        PluginError: unknown name, or a plugin that cannot be imported.
    """
    cls: type[Model] = Registry("models").get(name)
    if classes < 2:
        message = f"A model needs 2 classes or more, got {classes}."
        raise InputError(message)
    model = cls(classes, parse_options(cls, options, "model"))
    if weights is not None:
        _load(model, Path(weights))
    return model


def create_loss(name: str, options: Mapping[str, Any] | PluginOptions | None = None) -> Loss:
    """A loss by name. Raises as ``create_model`` does."""
    cls: type[Loss] = Registry("losses").get(name)
    return cls(parse_options(cls, options, "loss"))


def create_masker(name: str, options: Mapping[str, Any] | PluginOptions | None = None) -> Masker:
    """A masker by name. Raises as ``create_model`` does."""
    cls: type[Masker] = Registry("maskers").get(name)
    return cls(parse_options(cls, options, "mask"))


def create_analysis(name: str, options: Mapping[str, Any] | PluginOptions | None = None) -> Analysis:
    """An analysis by name. Raises as ``create_model`` does."""
    cls: type[Analysis] = Registry("analyses").get(name)
    return cls(parse_options(cls, options, "analysis"))


def create_dataset(name: str) -> Dataset:
    """A dataset by name; its options (``parse_options(type(dataset), ..., "data")``) go to ``load``.

    Raises:
        PluginError: unknown name, or a plugin that cannot be imported.
    """
    cls: type[Dataset] = Registry("datasets").get(name)
    return cls()


def parse_options(plugin: type[Plugin], options: Mapping[str, Any] | PluginOptions | None, role: str) -> PluginOptions:
    """A plugin's options, checked.

    Args:
        plugin: the plugin's class.
        options: values by name; text is converted to the field's type, and JSON text is accepted for lists and
            tables. Or already an instance of the plugin's ``Options``.
        role: what the keys carry on the command line (``model``, ``loss``, ``data``, ``mask``, ``analysis``), for
            the messages.

    Raises:
        InputError: unknown key (with the nearest one and the list), or a value that does not fit.
    """
    cls = plugin.Options
    if isinstance(options, cls):
        return options
    if options is not None and not isinstance(options, Mapping):
        message = f"{plugin.__name__} takes {cls.__qualname__} or a mapping, not {type(options).__qualname__}."
        raise InputError(message)
    values = dict(options or {})
    unknown = [key for key in values if key not in cls.model_fields]
    if unknown:
        _refuse_key(str(unknown[0]), list(cls.model_fields), role)
    try:
        return cls.model_validate(values)
    except ValidationError as first:
        decoded = {key: _decoded(value) if _concerns(first, key) else value for key, value in values.items()}
    try:
        return cls.model_validate(decoded)
    except ValidationError as error:
        raise InputError(_explain(error.errors(include_url=False), values, role)) from error


def _load(model: Model, file: Path) -> None:
    from msde_toolkit.weights import load_strict, read_weights

    checkpoint = read_weights(file)
    try:
        converted = type(model).convert_checkpoint(checkpoint, model.options)
        load_strict(model, checkpoint if converted is None else converted)
    except InputError as error:
        message = f"{file}: {error}"
        raise InputError(message) from error


def _refuse_key(key: str, valid: Sequence[str], role: str) -> NoReturn:
    close = get_close_matches(key, valid, n=1, cutoff=0.5)
    hint = f" Did you mean {role}.{close[0]}?" if close else ""
    there = f"Options: {', '.join(f'{role}.{name}' for name in valid)}." if valid else f"This {role} has no options."
    message = f"{role}.{key}: unknown option.{hint} {there}"
    raise InputError(message)


def _concerns(error: ValidationError, key: str) -> bool:
    return any(detail["loc"][:1] == (key,) for detail in error.errors(include_url=False))


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _explain(details: Sequence[ErrorDetails], values: Mapping[str, Any], role: str) -> str:
    """One line about the first wrong key; a union's branches are alternatives for the same key."""
    first = details[0]
    if not first["loc"]:
        return f"{role}: {_told(first)}."
    key = str(first["loc"][0])
    if first["type"] == "missing" and len(first["loc"]) == 1:
        return f"{role}.{key}: is required and was not given."
    branches = dict.fromkeys(
        f"{_inside(detail, values.get(key))}{_told(detail)}" for detail in details if detail["loc"][:1] == (key,)
    )
    return f"{role}.{key} = {values.get(key)!r}: {' or '.join(branches)}."


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
    text = detail["msg"].removeprefix("Value error, ").rstrip(".")
    return text.replace("Input should be", "expected", 1)
