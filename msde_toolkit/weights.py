"""Weights files: opened without running anything that is in them, and loaded key by key or not at all."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from msde_toolkit.errors import InputError

PARALLEL = "module."
"""What ``nn.DataParallel`` puts before every key."""

_SHOWN = 3
"""How many keys an error names before it counts the rest."""


def read_weights(file: Path) -> dict[str, Any]:
    """A weights file's content on the CPU; sub-dictionaries stay, ``module.`` prefixes go.

    Args:
        file: ``.safetensors``, or a torch checkpoint (opened with ``weights_only=True``: nothing in it is executed).

    Returns:
        Tensors by key, or the authors' nested layout, e.g. ``{"epoch": 3, "state_dict": {...}}``.

    Raises:
        InputError: if the file is missing, empty, damaged, no checkpoint, would run code, or holds NaN or infinity.
    """
    if file.is_dir() or not file.exists():
        message = f"{file}: {'is a folder' if file.is_dir() else 'no such file'}. Give a .safetensors or .pth file."
        raise InputError(message)
    if file.stat().st_size == 0:
        message = f"{file}: is empty. Download or save it again."
        raise InputError(message)
    content = _read_safetensors(file) if file.suffix == ".safetensors" else _read_torch(file)
    if not isinstance(content, Mapping):
        message = f"{file}: holds a {type(content).__name__}, not weights by name. Save the model's state_dict()."
        raise InputError(message)
    content = _without_prefix(content)
    tensors = list(_tensors(content))
    if not tensors:
        message = f"{file}: holds no weights."
        raise InputError(message)
    for key, tensor in tensors:
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            message = f"{file}: {key} holds NaN or infinity. The training it comes from diverged; use another file."
            raise InputError(message)
    return content


def load_strict(model: nn.Module, state: Mapping[str, Any]) -> None:
    """Copies ``state`` into ``model``; every key must be there with its shape, and no other.

    Raises:
        InputError: with the number and first names of missing, unexpected and reshaped keys; the model is unchanged.
    """
    expected = model.state_dict()
    missing = [key for key in expected if key not in state]
    unexpected = [key for key in state if key not in expected]
    reshaped = [
        f"{key} {_shape(state[key])} instead of {_shape(value)}"
        for key, value in expected.items()
        if key in state and _shape(state[key]) != _shape(value)
    ]
    if missing or unexpected or reshaped:
        parts = [("missing", missing), ("unexpected", unexpected), ("of another shape", reshaped)]
        told = "; ".join(f"{len(keys)} {word}: {_first(keys)}" for word, keys in parts if keys)
        message = f"The weights do not fit {type(model).__name__} with {len(expected)} keys.\n{told}."
        raise InputError(message)
    model.load_state_dict(state, strict=True)


def _read_safetensors(file: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file, device="cpu")
    except (SafetensorError, OSError, ValueError) as error:
        message = f"{file}: is damaged or no safetensors file ({_line(error)})."
        raise InputError(message) from error


def _read_torch(file: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected pickle protocol")
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        name = re.search(r"GLOBAL ([\w.]+)", str(error))
        if name is None:
            raise _damaged(file, error) from error
        message = (
            f"{file}: refused, because opening it would run Python code ({name.group(1)}).\n"
            "Only tensors are read: save the model's state_dict(), or convert the file to .safetensors."
        )
        raise InputError(message) from error
    except Exception as error:  # torch's readers raise whatever their parsers do: RuntimeError, EOFError, KeyError, ...
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> InputError:
    with file.open("rb") as stream:
        start = stream.read(4)
    if start[:1] == pickle.PROTO:
        what = "is a plain pickle, which could run Python code when opened, or is cut off: refused"
        return InputError(f"{file}: {what}. Convert it to .safetensors.")
    cut = start == b"PK\x03\x04" and not zipfile.is_zipfile(file)
    what = "is cut off or damaged" if cut else "is no torch checkpoint, or damaged"
    return InputError(f"{file}: {what} ({type(error).__name__}). Download or save it again.")


def _without_prefix(content: Mapping[Any, Any]) -> dict[Any, Any]:
    inner = {key: _without_prefix(value) if isinstance(value, Mapping) else value for key, value in content.items()}
    if inner and all(isinstance(key, str) and key.startswith(PARALLEL) for key in inner):
        return {key.removeprefix(PARALLEL): value for key, value in inner.items()}
    return inner


def _tensors(content: Mapping[Any, Any]) -> Iterator[tuple[Any, Tensor]]:
    for key, value in content.items():
        if isinstance(value, Tensor):
            yield key, value
        elif isinstance(value, Mapping):
            yield from _tensors(value)


def _shape(value: Any) -> str:
    return str(list(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def _first(keys: Sequence[str]) -> str:
    rest = len(keys) - _SHOWN
    return ", ".join(map(str, keys[:_SHOWN])) + (f" and {rest} more" if rest > 0 else "")


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
