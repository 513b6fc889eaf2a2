"""Checkpoints of SCAN's authors: three state_dicts, the quadrants' classifier saved five times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from msde_scan.context import QUADRANTS
from msde_toolkit.errors import InputError

BASE, ATTENTION, REGION = "base_state_dict", "attention_state_dict", "region_state_dict"
_LOCAL = "local_attention_masks."
_WHOLE = "global_attention_mask."
_LAYERS = {"0": "conv", "1": "prelu", "2": "norm"}


def is_authors(checkpoint: Mapping[str, Any]) -> bool:
    """Whether these are the authors' sub-dictionaries."""
    parts = (checkpoint.get(BASE), checkpoint.get(ATTENTION), checkpoint.get(REGION) or {})
    return all(isinstance(part, Mapping) and all(isinstance(key, str) for key in part) for part in parts)


def convert(
    checkpoint: Mapping[str, Any], *, backbone: str, trunk: str, shared_attention: bool, context: bool
) -> Mapping[str, Tensor]:
    """The authors' three state_dicts as one of ``Scan``.

    Whether a file was trained with the scrambled bottom patches cannot be read from it: ``legacy_patches`` is the
    caller's to know.

    Raises:
        InputError: if the file's architecture is not the options', or its copies of the classifier differ.
    """
    base, attention = checkpoint[BASE], checkpoint[ATTENTION]
    region = checkpoint.get(REGION)
    _expect("backbone", _backbone(base), backbone)
    _expect("trunk", "torchvision", trunk)
    _expect("shared_attention", f"{_LOCAL}attention.0.weight" in attention, shared_attention)
    _expect("context", bool(region), context)
    state = {f"backbone.{key}": value for key, value in base.items()}
    state |= {_attention_key(key): value for key, value in attention.items()}
    if region:
        state |= {f"context.{key}": value for key, value in _once(region).items()}
    return state


def _expect(option: str, found: object, wanted: object) -> None:
    if found != wanted:
        told, set_to = (str(value).lower() if isinstance(value, bool) else value for value in (wanted, found))
        message = f"this checkpoint was made with {option} = {set_to}, not {told}: set model.{option}={set_to}."
        raise InputError(message)


def _backbone(base: Mapping[str, Any]) -> str:
    if "layer1.0.conv3.weight" in base:
        return "resnet50"
    return "resnet34" if "layer3.5.conv1.weight" in base else "resnet18"


def _attention_key(key: str) -> str:
    """E.g. ``local_attention_masks.7.attention.0.weight`` to ``attention.local.nets.7.conv.weight``."""
    for prefix, shared, own in ((_LOCAL, "local.net", "local.nets."), (_WHOLE, "whole", "whole.")):
        if key.startswith(prefix):
            index, _, rest = key.removeprefix(prefix).partition("attention.")
            layer, _, name = rest.partition(".")
            place = own + index.rstrip(".") if index else shared
            return f"attention.{place}.{_LAYERS.get(layer, layer)}.{name}"
    return f"attention.{key}"


def _once(region: Mapping[str, Any]) -> dict[str, Tensor]:
    """``eca.*`` and ``classifier.*``; the five copies of the classifier must be equal."""
    net = {key.removeprefix("region_net."): value for key, value in region.items() if key.startswith("region_net.")}
    copies = [f"classifiers.{quadrant}.{key}" for quadrant in range(QUADRANTS) for key in net]
    for copy in copies:
        if copy in region and not _equal(region[copy], net[copy.split(".", 2)[2]]):
            message = f"{REGION}: {copy} differs from region_net, but SCAN's quadrants share one classifier."
            raise InputError(message)
    rest = {key: value for key, value in region.items() if not key.startswith("region_net.") and key not in copies}
    return rest | {f"classifier.{key}": value for key, value in net.items()}


def _equal(copy: object, original: object) -> bool:
    return isinstance(copy, Tensor) and isinstance(original, Tensor) and torch.equal(copy, original)
