"""Any weights file as a ``.safetensors`` file: opened once by our readers, and by anyone's afterwards."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from msde_toolkit.errors import InputError
from msde_toolkit.files import sha256_of
from msde_toolkit.interfaces import Model
from msde_toolkit.weights.layouts import layout, parts_of, plain_state
from msde_toolkit.weights.load import load_into
from msde_toolkit.weights.read import name_of, of_file, read_weights, write_weights

SUFFIX = ".safetensors"


def convert(file: Path, out: Path, model: Model | None = None, *, replace: bool = False) -> str:
    """Writes ``file``'s weights to ``out``, whole, and returns their layout.

    Args:
        file: anything that ``read_weights`` reads.
        out: ends in ``.safetensors``.
        model: to write the weights by this model's own keys, which they must fill completely. Without one, the keys
            stay what they are.
        replace: overwrite ``out``.

    Raises:
        InputError: ``out`` is there or cannot be; the weights cannot be read, or do not fill the model.
    """
    _check_place(out, replace)
    with of_file(file):
        name, state = _named(file) if model is None else _filled(file, model)
    try:
        write_weights(state, out, {"layout": name, "source_sha256": sha256_of(file)})
    except OSError as error:
        message = f"{out}: cannot be written ({error.strerror})."
        raise InputError(message) from error
    return name


def _check_place(out: Path, replace: bool) -> None:
    problem = ""
    if out.suffix != SUFFIX:
        problem = f"must end in {SUFFIX}."
    elif out.is_dir() or (out.exists() and not replace):
        problem = "is a folder." if out.is_dir() else "is there already; --force overwrites it."
    elif not out.parent.is_dir():
        problem = f"the folder {out.parent} does not exist."
    if problem:
        message = f"{out}: {problem}"
        raise InputError(message)


def _named(file: Path) -> tuple[str, dict[str, Tensor]]:
    content = read_weights(file)
    state = {key: value for key, value in plain_state(content).items() if isinstance(value, Tensor)}
    if not state:
        message = (
            f"holds several parts ({', '.join(parts_of(content))}): save one of them as a file of its own, or, if they "
            "are parts of one network, say whose by --model NAME."
        )
        raise InputError(message)
    return layout(content, name=name_of(file)).name, state


def _filled(file: Path, model: Model) -> tuple[str, dict[str, Tensor]]:
    report = load_into(model, file)
    if not report.complete:
        message = (
            f"fills the backbone of {type(model).__name__} only ({report.summary()}), so that its head would be random."
            "\nConvert it without --model, or use it as it is: --weights FILE."
        )
        raise InputError(message)
    return "ours", model.state_dict()
