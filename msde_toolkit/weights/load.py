"""Weights into a model: every key that must be there is, with its shape, or the model stays as it was."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from msde_toolkit.errors import InputError
from msde_toolkit.files import sha256_of
from msde_toolkit.interfaces import Model
from msde_toolkit.weights.layouts import HEADS, Layout, layout, parts_of, plain_state
from msde_toolkit.weights.read import name_of, of_file, read_weights
from msde_toolkit.weights.report import BACKBONE, COUNTER, WeightsReport, first


def load_into(model: Model, weights: Path | Mapping[str, Any], name: str = "") -> WeightsReport:
    """Fills a model: the whole of it from its own or its authors' layout, the backbone from a pretrained network.

    Args:
        model: on the CPU.
        weights: a file, or what ``read_weights`` gave.
        name: the file's, where ``weights`` is what was in it.

    Raises:
        InputError: a file that cannot be read; weights that do not fit key by key, and how much of the backbone would
            stay random; the model is then unchanged.
    """
    if not isinstance(weights, Path):
        return _load(model, weights, name)
    with of_file(weights):
        report = _load(model, read_weights(weights), name_of(weights))
    return replace(report, sha256=sha256_of(weights))


def load_from_run(model: Model, file: Path) -> WeightsReport:
    """Fills a model from a fold's ``model.safetensors``.

    Of a run of the same model, a head for another number of classes is left out. A run of another model fills the
    backbone: from its own backbone, whatever its head, or, where the backbone is a model itself (a probe's), from all
    of it.

    Raises:
        InputError: as ``fit_state`` and ``load_into``.
    """
    with of_file(file):
        content = read_weights(file)
        if _is_another_models(model, content):
            report = _load_backbone(model, content)
        elif layout(content, model, file.name).name == "ours":
            report = fit_state(model, content)
        else:
            report = _load(model, content, file.name)
    return replace(report, sha256=sha256_of(file))


def _is_another_models(model: Model, state: Mapping[str, Any]) -> bool:
    """Whether a run's backbone has keys of this model's, but lacks some, or the head beside it has other keys.

    A head that merely lacks a key, or has one too many, is the same model's, damaged or with other options.
    """
    fit = _compare(model.state_dict(), state)
    shared = any(key.startswith(BACKBONE) for key in (*fit.matched, *fit.reshaped))
    other_backbone = any(key.startswith(BACKBONE) for key in (*fit.gaps, *fit.reshaped))
    lacking, surplus = (any(not key.startswith(BACKBONE) for key in keys) for keys in (fit.gaps, fit.unexpected))
    return shared and (other_backbone or (lacking and surplus))


def _load_backbone(model: Model, state: Mapping[str, Any]) -> WeightsReport:
    """From the backbone of another model's ``state_dict``: such weights were fitted when that model got them."""
    given = {key.removeprefix(BACKBONE): value for key, value in state.items() if key.startswith(BACKBONE)}
    head = tuple(key for key in state if not key.startswith(BACKBONE))
    report = _fill_backbone(model, Layout("other", given, head=head), given)
    return replace(report, unexpected=tuple(BACKBONE + key for key in report.unexpected))


def fit_state(model: nn.Module, state: Mapping[str, Any], drop_head: bool = True) -> WeightsReport:
    """Copies a ``state_dict`` of the same class into ``model``.

    Args:
        model: its head stays as initialised where it is dropped.
        state: tensors by the model's keys. Counters of batch norm may be missing.
        drop_head: leave out tensors whose only difference is the number of classes in their first dimension, as of
            SCAN trained on AffectNet's 8 expressions for 7.

    Raises:
        InputError: any other difference; the model is unchanged.
    """
    expected = model.state_dict()
    fit = _compare(expected, state)
    only_head = drop_head and _classes_of_head(model, expected, state, fit) is not None
    if fit.gaps or fit.unexpected or (fit.reshaped and not only_head):
        raise InputError(_misfit(model, state))
    _check_floating(expected, state, fit.matched)
    model.load_state_dict({**expected, **{key: state[key] for key in fit.matched}})
    shapes = tuple((key, tuple(state[key].shape), tuple(expected[key].shape)) for key in fit.reshaped)
    return WeightsReport("ours", fit.matched, fit.missing, reshaped=shapes)


def load_strict(model: nn.Module, state: Mapping[str, Any]) -> None:
    """Copies ``state`` into ``model``; every key must be there with its shape, and no other.

    Raises:
        InputError: with the number and first names of missing, unexpected and reshaped keys; the model is unchanged.
    """
    fit_state(model, state, drop_head=False)


def _load(model: Model, checkpoint: Mapping[str, Any], name: str) -> WeightsReport:
    found = layout(checkpoint, model, name)
    if found.whole:
        return replace(fit_state(model, found.state, drop_head=False), layout=found.name)
    state, notes = model.fit_backbone(found.state, found.name)
    if not _compare(_backbone_of(model).state_dict(), state).matched:
        raise InputError(_several(model, checkpoint) or _misfit(model, plain_state(checkpoint)))
    report = _fill_backbone(model, found, state, model.may_stay_random(found.state))
    return replace(report, notes=tuple(notes))


def _backbone_of(model: Model) -> nn.Module:
    backbone = getattr(model, "backbone", None)
    return backbone if isinstance(backbone, nn.Module) else nn.Module()


def _fill_backbone(
    model: Model, found: Layout, state: Mapping[str, Any], optional: Collection[str] = ()
) -> WeightsReport:
    """Copies ``state``, which is what of ``found`` fits the backbone; ``optional`` keys of it may be missing."""
    backbone = _backbone_of(model)
    expected = backbone.state_dict()
    fit = _compare(expected, state)
    if set(fit.gaps) - set(optional) or fit.reshaped:
        fit = replace(fit, missing=tuple(key for key in fit.missing if key not in optional))
        raise InputError(_backbone_misfit(model, expected, state, fit, found.name))
    _check_depth(model, backbone, fit, found.name)
    _check_floating(expected, state, fit.matched)
    backbone.load_state_dict({**expected, **{key: state[key] for key in fit.matched}})
    matched = tuple(BACKBONE + key for key in fit.matched)
    missing = tuple(key for key in model.state_dict() if key not in set(matched))
    head = found.head or tuple(key for key in fit.unexpected if key.startswith(HEADS))
    surplus = tuple(key for key in fit.unexpected if key not in head)
    return WeightsReport(found.name, matched, missing, surplus, dropped=head)


def _check_depth(model: Model, backbone: nn.Module, fit: _Fit, name: str) -> None:
    """More blocks in a layer than the backbone has: the weights load, but were trained as another function.

    Raises:
        InputError: naming them.
    """
    modules = dict(backbone.named_modules())
    deeper = [key for key in fit.unexpected if _first_missing(key, modules).isdecimal() and not key.startswith(HEADS)]
    if deeper:
        message = (
            f"The weights ({name} layout) are of a deeper network than the backbone of {type(model).__name__}: "
            f"{len(deeper)} keys more inside its layers: {first(deeper)}."
        )
        raise InputError(message)


def _first_missing(key: str, modules: Mapping[str, nn.Module]) -> str:
    """The first word of a key's path that names no module: the number of a block too many, or a layer left out."""
    words = key.split(".")
    return next((word for place, word in enumerate(words) if ".".join(words[: place + 1]) not in modules), "")


@dataclass(frozen=True)
class _Fit:
    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reshaped: tuple[str, ...]

    @property
    def gaps(self) -> tuple[str, ...]:
        """Missing keys that matter."""
        return tuple(key for key in self.missing if not key.endswith(COUNTER))


def _compare(expected: Mapping[str, Any], state: Mapping[str, Any]) -> _Fit:
    common = [key for key in expected if key in state]
    matched = tuple(key for key in common if _shape(state[key]) == _shape(expected[key]))
    return _Fit(
        matched=matched,
        missing=tuple(key for key in expected if key not in state),
        unexpected=tuple(key for key in state if key not in expected),
        reshaped=tuple(key for key in common if key not in set(matched)),
    )


def _check_floating(expected: Mapping[str, Tensor], state: Mapping[str, Tensor], keys: Sequence[str]) -> None:
    """Whole numbers are no weights: of a float file that was cast to them, next to nothing is left.

    Raises:
        InputError: naming the first such key.
    """
    for key in keys:
        if expected[key].is_floating_point() and not state[key].is_floating_point():
            given, own = (str(tensors[key].dtype).removeprefix("torch.") for tensors in (state, expected))
            message = f"{key} holds {given} where the model has {own}. Save the weights as floating point numbers."
            raise InputError(message)


def _classes_of_head(model: nn.Module, expected: Mapping[str, Any], state: Mapping[str, Any], fit: _Fit) -> int | None:
    """How many classes ``state`` was made for, if its reshaped tensors differ from the model's in nothing else."""
    pairs = [(state[key], expected[key]) for key in fit.reshaped]
    if not all(isinstance(given, Tensor) and given.ndim and given.shape[1:] == own.shape[1:] for given, own in pairs):
        return None
    changes = {(given.shape[0], own.shape[0]) for given, own in pairs}
    if len(changes) != 1 or (change := changes.pop())[1] != getattr(model, "classes", None):
        return None
    return int(change[0])


def _several(model: Model, checkpoint: Mapping[str, Any]) -> str:
    """What to do with a file that holds several parts of which none is known as the weights; empty for others."""
    parts = list(parts_of(checkpoint))
    if len(parts) < 2 or "state_dict" in parts:
        return ""
    return (
        f"holds weights in several parts ({', '.join(map(str, parts))}), and {type(model).__name__} does not know "
        "which to take: save one of them as a file of its own."
    )


def _misfit(model: nn.Module, state: Mapping[str, Any]) -> str:
    expected = model.state_dict()
    fit = _compare(expected, state)
    classes = None if fit.gaps or fit.unexpected else _classes_of_head(model, expected, state, fit)
    opening = f"The weights do not fit {type(model).__name__} with {len(expected)} keys."
    if classes is not None:
        opening = (
            f"The weights have {classes} classes where {getattr(model, 'classes', '?')} are asked: ask for {classes}, "
            "or start from a run of theirs (--weights run:DIR), whose head is left out."
        )
    return f"{opening}\n{_told(expected, state, fit)}."


def _backbone_misfit(
    model: nn.Module, expected: Mapping[str, Any], state: Mapping[str, Any], fit: _Fit, name: str
) -> str:
    random = sum(expected[key].numel() for key in (*fit.gaps, *fit.reshaped))
    everything = sum(value.numel() for key, value in expected.items() if not key.endswith(COUNTER))
    percent = 100 * random / everything
    shown = f"{percent:.0f}" if percent >= 1 else "less than 1"
    return (
        f"The weights ({name} layout) do not fit the backbone of {type(model).__name__} with {len(expected)} keys: "
        f"{shown} % of its weights would stay random.\n{_told(expected, state, replace(fit, unexpected=()))}."
    )


def _told(expected: Mapping[str, Any], state: Mapping[str, Any], fit: _Fit) -> str:
    reshaped = [f"{key} {_shape(state[key])} instead of {_shape(expected[key])}" for key in fit.reshaped]
    parts = [("missing", fit.gaps), ("unexpected", fit.unexpected), ("of another shape", reshaped)]
    return "; ".join(f"{len(keys)} {word}: {first(keys)}" for word, keys in parts if keys)


def _shape(value: Any) -> str:
    return str(list(value.shape)) if isinstance(value, Tensor) else type(value).__name__
