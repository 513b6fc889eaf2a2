"""Checkpoints of RAN's authors: one state_dict, the backbone's keys at its top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from msde_ran.options import RanOptions
from msde_toolkit.errors import InputError

_ATTENTION = {"alpha.0.": "attention.alpha.", "beta.0.": "attention.beta."}


def convert(checkpoint: Mapping[str, Any], options: RanOptions) -> Mapping[str, Tensor] | None:
    """The authors' keys, bare or under ``state_dict``, as those of ``Ran``; None for another layout.

    Raises:
        InputError: if the file's backbone is not the options'.
    """
    state = checkpoint.get("state_dict", checkpoint)
    if not isinstance(state, Mapping) or not {"conv1.weight", "alpha.0.weight"} <= set(state):
        return None
    for option, found in (("backbone", _backbone(state)), ("trunk", "torchvision")):
        wanted = getattr(options, option)
        if found != wanted:
            message = f"this checkpoint was made with {option} = {found}, not {wanted}: set model.{option}={found}."
            raise InputError(message)
    return {_key(key): value for key, value in state.items()}


def _backbone(state: Mapping[str, Any]) -> str:
    if "layer1.0.conv3.weight" in state:
        return "resnet50"
    return "resnet34" if "layer3.5.conv1.weight" in state else "resnet18"


def _key(key: str) -> str:
    for theirs, ours in _ATTENTION.items():
        if key.startswith(theirs):
            return ours + key.removeprefix(theirs)
    return key if key.startswith("fc.") else f"backbone.{key}"
