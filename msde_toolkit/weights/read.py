"""Weights files opened without running anything that is in them."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from msde_toolkit.errors import InputError
from msde_toolkit.files import whole
from msde_toolkit.weights.arrays import NamedCode, PickledArray, read_pickle, torch_globals

PARALLEL = "module."
"""What ``nn.DataParallel`` puts before every key."""

_ZIP = b"PK\x03\x04"
_OLD_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
"""How ``torch.save`` began a file before it wrote zip archives."""

_DEEPEST = 8
"""Dictionaries in one another; a checkpoint with its optimiser's state has four."""

_LONGEST_QUOTE = 120
"""Characters of a reader's own error that a line has room for."""


def read_weights(file: Path) -> dict[str, Any]:
    """A weights file's content on the CPU; sub-dictionaries stay, ``module.`` prefixes go.

    Args:
        file: safetensors; a torch checkpoint; a plain pickle of name to numpy array, as VGGFace2's. Nothing in it is
            executed. Its content tells what it is, but what is named ``.safetensors`` must be that.

    Returns:
        Tensors by key, or the authors' nested layout, e.g. ``{"epoch": 3, "state_dict": {...}}``.

    Raises:
        InputError: if the file is missing, empty, damaged, no checkpoint, would run code, or holds NaN or infinity.
    """
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "is no file" if file.exists() else "no such file"
        message = f"{file}: {what}. Give a .safetensors, .pth or .pkl file."
        raise InputError(message)
    start = _start(file)
    content = _read_safetensors(file) if _is_safetensors(file, start) else _read_pickled(file, start)
    if not isinstance(content, dict):
        message = f"{file}: holds a {type(content).__name__}, not weights by name. Save the model's state_dict()."
        raise InputError(message)
    with of_file(file):
        return _Checked().checkpoint(content)


def write_weights(state: Mapping[str, Tensor], file: Path, facts: Mapping[str, str]) -> None:
    """Writes tensors as safetensors: beside their place, then renamed.

    Args:
        state: tensors by key; such that share memory are written apart.
        file: ends in ``.safetensors``.
        facts: for the file's metadata.
    """
    from safetensors.torch import save

    data = save({key: value.detach().clone().contiguous() for key, value in state.items()}, dict(facts))
    with whole(file) as partial:
        partial.write_bytes(data)


def name_of(file: Path) -> str:
    """The file's name and the layout that ``write_weights`` noted in it: what tells layouts apart if keys do not."""
    from safetensors import safe_open

    if not _is_safetensors(file, _start(file)):
        return file.name
    with safe_open(file, framework="pt") as stream:
        return f"{file.name} {(stream.metadata() or {}).get('layout', '')}".rstrip()


def _start(file: Path) -> bytes:
    """The file's first bytes.

    Raises:
        InputError: if they already tell that these are no weights.
    """
    try:
        with file.open("rb") as stream:
            start = stream.read(256)
    except OSError as error:
        message = f"{file}: cannot be read ({error.strerror})."
        raise InputError(message) from error
    if not start:
        message = f"{file}: is empty. Download or save it again."
        raise InputError(message)
    if re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)", start, re.IGNORECASE):
        message = (
            f"{file}: is a web page, no weights: the link leads to a page that asks or complains (Google Drive does).\n"
            "Download the file in a browser."
        )
        raise InputError(message)
    return start


def _is_safetensors(file: Path, start: bytes) -> bool:
    """Also under another name: the length of a JSON header that the file has room for, then that header.

    No pickle and no archive begins so: read as a length, their first bytes are beyond any file's.
    """
    header = int.from_bytes(start[:8], "little")
    return file.suffix == ".safetensors" or (start[8:9] == b"{" and 8 + header <= file.stat().st_size)


def _read_safetensors(file: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file, device="cpu")
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        message = f"{file}: is cut off, damaged or no safetensors file{_quoted(error)}."
        raise InputError(message) from error


def _read_pickled(file: Path, start: bytes) -> Any:
    try:
        if start.startswith((_ZIP, _OLD_TORCH)):
            return _read_torch(file)
        return read_pickle(file)
    except pickle.UnpicklingError as error:
        named = str(error) if isinstance(error, NamedCode) else _named(error)
        if not named:
            raise _damaged(file, start, error) from error
        shown = re.sub(r"[^\w.]", "?", named)[:80]
        message = (
            f"{file}: refused, because opening it would run Python code ({shown}).\n"
            "Only tensors and arrays are read: save the model's state_dict(), or convert the file to .safetensors."
        )
        raise InputError(message) from error
    except Exception as error:  # the parsers raise whatever damage makes of them: RuntimeError, EOFError, KeyError, ...
        raise _damaged(file, start, error) from error


def _read_torch(file: Path) -> Any:
    with warnings.catch_warnings(), torch.serialization.safe_globals(torch_globals()):
        warnings.simplefilter("ignore")  # about pickle protocols and how long sparse tensors take to check
        return torch.load(file, map_location="cpu", weights_only=True)


def _named(error: Exception) -> str:
    found = re.search(r"GLOBAL ([\w.]+)", str(error))
    return found[1] if found else ""


def _damaged(file: Path, start: bytes, error: Exception) -> InputError:
    cut = start.startswith((b"\x80", b"PK")) and not zipfile.is_zipfile(file)
    what = "is cut off or damaged" if cut else "is no torch checkpoint and no pickle of arrays, or damaged"
    return InputError(f"{file}: {what}{_quoted(error)}. Download or save it again.")


class _Checked:
    """Goes through a checkpoint once: arrays become tensors, prefixes go, and what is no plain number is refused."""

    def __init__(self) -> None:
        self.tensors = 0
        self._seen: dict[int, dict[Any, Any] | None] = {}

    def checkpoint(self, content: dict[Any, Any]) -> dict[str, Any]:
        """The whole content.

        Raises:
            InputError: no weights in it, a key that is no text at its top, NaN or infinity, nested without end.
        """
        strange = next((key for key in content if not isinstance(key, str)), None)
        if strange is not None:
            message = f"holds the key {strange!r:.40} of type {type(strange).__name__}, not weights by name."
            raise InputError(message)
        cleaned = self._mapping(content, 1)
        if not self.tensors:
            message = "holds no weights."
            raise InputError(message)
        return cleaned

    def _mapping(self, content: dict[Any, Any], depth: int) -> dict[Any, Any]:
        # What was met before is not gone through again: a few dictionaries in one another can stand for billions.
        known = self._seen.get(id(content))
        if known is not None:
            return known
        if id(content) in self._seen or depth > _DEEPEST:
            message = "holds dictionaries nested without end, as no checkpoint does."
            raise InputError(message)
        self._seen[id(content)] = None
        # Not content.items(): a pickle can give a dictionary attributes that hide its methods.
        cleaned = {key: self._value(key, value, depth) for key, value in dict.items(content)}
        while cleaned and all(isinstance(key, str) and key.startswith(PARALLEL) for key in cleaned):
            cleaned = {key.removeprefix(PARALLEL): value for key, value in cleaned.items()}
        self._seen[id(content)] = cleaned
        return cleaned

    def _value(self, key: Any, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            return self._mapping(value, depth + 1)
        if isinstance(value, PickledArray):
            value = value.tensor
        if isinstance(value, Tensor):
            self.tensors += 1
            _check(key, value)
        return value


def _check(key: Any, tensor: Tensor) -> None:
    if not _plain(tensor):
        message = f"{key} is no plain tensor of numbers ({tensor.dtype}, {tensor.layout}). Save it as float32."
        raise InputError(message)
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        message = f"{key} holds NaN or infinity. The training it comes from diverged; use another file."
        raise InputError(message)


def _plain(tensor: Tensor) -> bool:
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta or tensor.is_complex():
        return False
    eight_bits = tensor.is_floating_point() and tensor.element_size() == 1
    # A tensor that repeats its memory is small on disk and can be of any size once it is copied.
    return not eight_bits and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


@contextmanager
def of_file(file: Path) -> Iterator[None]:
    """Errors inside tell which file they are about."""
    try:
        yield
    except InputError as error:
        if str(file) in str(error):
            raise
        message = f"{file}: {error}"
        raise InputError(message) from error


def _quoted(error: Exception) -> str:
    """The first sentence of a reader's error, in brackets; nothing where that is longer than a line can hold."""
    sentence = re.split(r"(?<=[.!?])\s|\n", str(error).strip(), maxsplit=1)[0].rstrip(".") or type(error).__name__
    return f" ({sentence})" if len(sentence) <= _LONGEST_QUOTE else ""
