"""From a plugin's name and its options to an object: the one way in for the engine, the command line and users."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msde_toolkit.errors import InputError
from msde_toolkit.options import validated
from msde_toolkit.registry import Registry, named_option

if TYPE_CHECKING:
    from msde_toolkit.interfaces import Analysis, Dataset, Landmarker, Loss, Masker, Model, Plugin, PluginOptions


def create_model(
    name: str,
    *,
    classes: int = 7,
    options: Mapping[str, Any] | PluginOptions | None = None,
    weights: str | Path | None = None,
) -> Model:
    """A model by name, on the CPU, in training mode as torch makes it (call ``.eval()`` to predict).

    Args:
        name: as in ``msde list models``; ``NAME:ARGUMENT`` where the model takes one (``timm:resnet18d``).
        classes: number of classes C, 2 or more.
        options: of the model; values may be text, as ``--set`` gives them.
        weights: a file of this class's ``state_dict`` or in the layout of the method's authors, which must fit key by
            key; or of a pretrained network (torchvision, MS-Celeb-1M, VGGFace2), which must fill the backbone; or
            ``imagenet`` for published ones of the backbone; or ``none``. What was matched and left out is told by
            ``msde_toolkit.weights.load_into``.

    Raises:
        InputError: unknown option or wrong value; weights that cannot be had, read or do not fit.
        PluginError: unknown name, or a plugin that cannot be imported.
    """
    cls: type[Model] = Registry("models").get(name)
    if classes < 2:
        message = f"A model needs 2 classes or more, got {classes}."
        raise InputError(message)
    model = cls(classes, parse_options(cls, options, "model", name))
    if weights not in (None, "none"):
        from msde_toolkit.weights import imagenet_file, load_into

        load_into(model, imagenet_file(model) if weights == "imagenet" else Path(weights))
    return model


def create_loss(name: str, options: Mapping[str, Any] | PluginOptions | None = None) -> Loss:
    """A loss by name. Raises as ``create_model`` does."""
    cls: type[Loss] = Registry("losses").get(name)
    return cls(parse_options(cls, options, "loss"))


def create_masker(name: str, options: Mapping[str, Any] | PluginOptions | None = None) -> Masker:
    """A masker by name. Raises as ``create_model`` does."""
    cls: type[Masker] = Registry("maskers").get(name)
    return cls(parse_options(cls, options, "mask", name))


def create_landmarker(name: str, options: Mapping[str, Any] | PluginOptions | None = None) -> Landmarker:
    """A landmarker by name. Raises as ``create_model`` does."""
    cls: type[Landmarker] = Registry("landmarkers").get(name)
    return cls(parse_options(cls, options, "faces", name))


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


def parse_options(
    plugin: type[Plugin], options: Mapping[str, Any] | PluginOptions | None, role: str, name: str = ""
) -> PluginOptions:
    """A plugin's options, checked.

    Args:
        plugin: the plugin's class.
        options: values by name, or already an instance of the plugin's ``Options``.
        role: what the keys carry on the command line (``model``, ``loss``, ``data``, ``mask``, ``faces``,
            ``analysis``), for the messages.
        name: what the plugin was called by; what follows a colon in it fills the option that the plugin says.

    Raises:
        InputError: unknown key (with the nearest one and the list), or a value that does not fit, or
            contradicts ``name``.
    """
    cls = plugin.Options
    if isinstance(options, cls):
        return options
    if options is not None and not isinstance(options, Mapping):
        message = f"{plugin.__name__} takes {cls.__qualname__} or a mapping, not {type(options).__qualname__}."
        raise InputError(message)
    named, given = named_option(plugin, name), dict(options or {})
    for key, value in named.items():
        if given.get(key, value) != value:
            message = f"{role}.{key} = {given[key]!r} contradicts the name {name}. Leave one of the two out."
            raise InputError(message)
    values = {**named, **given}
    if name and plugin.argument and plugin.argument not in values and cls.model_fields[plugin.argument].is_required():
        key = plugin.argument
        message = f"{role}.{key}: is required and was not given. Write {name}:{key.upper()}, or set it."
        raise InputError(message)
    return validated(cls, values, f"{role}.")
