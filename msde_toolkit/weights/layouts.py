"""Whose weights a checkpoint holds, told by its keys, and by its name where keys do not tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Model
from msde_toolkit.weights.report import COUNTER

HEADS = ("fc.", "feature.", "classifier.", "head.")
"""How classifiers of pretrained networks begin; MS-Celeb-1M's has a ``feature`` layer before its ``fc``."""

_TRUNK = re.compile(r"(conv1|bn1|layer[1-4]\.\d+\.\w+(\.\d)?)\.\w+")
_VGGFACE2_PEOPLE = 8631
_MOST_EXPRESSIONS = 50
"""A head with more classes was trained on something else than expressions."""


@dataclass(frozen=True)
class Layout:
    """A checkpoint's weights.

    Attributes:
        name: ``ours`` (the model's own ``state_dict``), ``authors`` (of the method), ``torchvision``, ``msceleb``,
            ``vggface2``, or ``other``.
        state: by the model's keys if ``whole``; else those of a pretrained network, without a ResNet's head.
        whole: these are weights of the whole model, not only of its backbone.
        head: keys of a pretrained ResNet's head.
    """

    name: str
    state: Mapping[str, Tensor]
    whole: bool = False
    head: tuple[str, ...] = ()


def layout(checkpoint: Mapping[str, Any], model: Model | None = None, name: str = "") -> Layout:
    """What a checkpoint is.

    Args:
        checkpoint: as ``read_weights`` gives it.
        model: to load it into; without one, ``ours`` and ``authors`` cannot be told and count as ``other``.
        name: of the file. ``resnet18_msceleb.pth`` has torchvision's keys, so that only its name tells it apart.

    Raises:
        InputError: if it is the authors' layout but does not fit the model's options; keys that are no text.
    """
    state = plain_state(checkpoint)
    if model is not None and (own := _as_own(state, model)) is not None:
        return Layout("ours", own, whole=True)
    known = _pretrained(state, name.lower())
    if model is not None and _may_be_whole(state, known, model.classes):
        for candidate in (checkpoint, state):
            converted = type(model).convert_checkpoint(candidate, model.options)
            if converted is not None:
                return Layout(known or "authors", converted, whole=True)
    # Elsewhere than in a ResNet a trunk's own last layers may be called head.
    head = tuple(key for key in state if known and key.startswith(HEADS))
    trunk = {key: value for key, value in state.items() if key not in head and isinstance(value, Tensor)}
    return Layout(known or "other", trunk, head=head)


def plain_state(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one ``state_dict`` of a checkpoint: itself, or what it holds under ``state_dict`` or another word.

    Raises:
        InputError: if its keys are no text.
    """
    parts = parts_of(checkpoint)
    chosen: Mapping[Any, Any] = checkpoint
    if "state_dict" in parts:
        chosen = parts["state_dict"]
    elif len(parts) == 1 and _count(only := next(iter(parts.values()))) > _count(checkpoint):
        chosen = only
    strange = next((key for key in chosen if not isinstance(key, str)), None)
    if strange is not None:
        message = f"holds weights under the key {strange!r:.40} of type {type(strange).__name__}, not by name."
        raise InputError(message)
    return chosen


def parts_of(checkpoint: Mapping[str, Any]) -> dict[Any, Mapping[Any, Any]]:
    """Dictionaries of tensors in a checkpoint."""
    return {key: part for key, part in checkpoint.items() if isinstance(part, Mapping) and _count(part)}


def _count(part: Mapping[Any, Any]) -> int:
    return sum(isinstance(value, Tensor) for value in part.values())


def _as_own(state: Mapping[str, Any], model: Model) -> Mapping[str, Any] | None:
    """The state if most of its keys are the model's, also with a part of the network wrapped in ``DataParallel``."""
    expected = model.state_dict().keys()
    for candidate in (state, {_unwrapped(key): value for key, value in state.items()}):
        if len(candidate) == len(state) and 2 * len(candidate.keys() & expected) >= len(candidate):
            return candidate
    return None


def _unwrapped(key: str) -> str:
    return ".".join(word for word in key.split(".") if word != "module")


def _pretrained(state: Mapping[str, Any], name: str) -> str:
    """The pretrained ResNet's layout; empty where it is none, or has more than a trunk and a head."""
    trunk = [key for key in state if not key.startswith(HEADS)]
    if "conv1.weight" not in state or not all(_TRUNK.fullmatch(key) for key in trunk):
        return ""
    if (
        _classes(state) == _VGGFACE2_PEOPLE
        or re.search("vggface2|resnet50_ft", name)
        or _is_headless_pickle(state, name)
    ):
        return "vggface2"
    if "feature.weight" in state or re.search("msceleb|ijba_res18", name):
        return "msceleb"
    return "torchvision"


def _is_headless_pickle(state: Mapping[str, Any], name: str) -> bool:
    """A ResNet-50 in a pickle, without a head and, as from Caffe, without counters: only VGGFace2's come so."""
    odd = any(key.startswith(HEADS) or key.endswith(COUNTER) for key in state)
    return name.endswith(".pkl") and "layer1.0.conv3.weight" in state and not odd


def _classes(state: Mapping[str, Any]) -> int | None:
    head = state.get("fc.weight")
    return int(head.shape[0]) if isinstance(head, Tensor) and head.ndim else None


def _may_be_whole(state: Mapping[str, Any], known: str, classes: int) -> bool:
    if not known or known == "vggface2":
        return not known  # VGGFace2's head names people, and its first convolution must be made to fit
    found = _classes(state)
    return found is not None and (found == classes or found <= _MOST_EXPRESSIONS)
