"""Pickled numpy arrays without unpickling: what a pickle may name is replaced by records of ours that only keep data.

VGGFace2's weights come as a plain pickle of name to array, and old torch checkpoints hold numpy scalars. Both name
functions of numpy. None of them is ever called: a pickle that names anything else is refused before it is run.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

_NUMBERS = re.compile(r"[fiu][1248]|b1")


class PickledDtype:
    """Stands for ``numpy.dtype``: a number's type, of 1 to 8 bytes."""

    def __init__(self, code: str, *_: object) -> None:
        if not isinstance(code, str) or not _NUMBERS.fullmatch(code):
            message = f"an array of {str(code)[:20]!r}, not of numbers"
            raise ValueError(message)
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])

    def tensor(self, data: bytes | bytearray | str, shape: tuple[int, ...], order: Any = "C") -> Tensor:
        """The numbers that these bytes are (Python 2 wrote them as Latin-1 text)."""
        raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
        array = np.frombuffer(raw, self.dtype).reshape(shape, order=order)
        return torch.from_numpy(np.array(array, self.dtype.newbyteorder("="), order="C"))


class PickledArray:
    """Stands for ``numpy.ndarray`` and is what ``_reconstruct`` gives: filled by its state."""

    tensor: Tensor | None = None

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, data = state
        self.tensor = kind.tensor(data, shape, "F" if by_columns else "C")


def _scalar(kind: PickledDtype, data: bytes | str) -> Any:
    return kind.tensor(data, ()).item()


def _frombuffer(data: bytes, kind: PickledDtype, shape: tuple[int, ...], order: str, *_: object) -> Tensor:
    return kind.tensor(data, shape, order)


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        message = f"text in {str(encoding)[:20]!r}"
        raise ValueError(message)
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): dict,
    ("_codecs", "encode"): _latin1,
    ("numpy", "dtype"): PickledDtype,
    ("numpy", "ndarray"): PickledArray,
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", PickledArray),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _frombuffer),
        )
    },
}
"""All that a pickle may name, as (module, name), and what is called instead. ``numpy._core`` is numpy 2's spelling."""


class NamedCode(pickle.UnpicklingError):
    """The pickle names something that is no array."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise NamedCode(f"{module}.{name}")
        return ALLOWED[module, name]


def read_pickle(file: Path) -> Any:
    """A plain pickle's content; arrays are ``PickledArray`` or tensors.

    Raises:
        NamedCode: if it names anything but arrays; nothing of it is run.
        Exception: whatever a damaged pickle makes of its parser.
    """
    with file.open("rb") as stream:
        return _Unpickler(stream, encoding="latin1").load()


def torch_globals() -> list[Any]:
    """For ``torch.serialization.safe_globals``: the same stand-ins, where torch has none of its own."""
    return [
        (stand_in, f"{module}.{name}") for (module, name), stand_in in ALLOWED.items() if module.startswith("numpy")
    ]
