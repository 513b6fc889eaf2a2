"""Weights files are opened without running what is in them, and fit completely or not at all."""

import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from msde_toolkit.errors import InputError
from msde_toolkit.weights import load_strict, read_weights

WEIGHTS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(2)}


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def written(file, content):
    file.write_bytes(content)
    return file


def saved(file, content):
    torch.save(content, file)
    return file


def test_safetensors_and_torch_files_give_the_same(tmp_path):
    save_file(WEIGHTS, tmp_path / "w.safetensors")
    torch.save(WEIGHTS, tmp_path / "w.pth")
    torch.save(WEIGHTS, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for name in ("w.safetensors", "w.pth", "old.pth"):
        state = read_weights(tmp_path / name)
        assert all(torch.equal(state[key], value) for key, value in WEIGHTS.items())
        assert len(state) == 2


def test_parallel_prefixes_go_in_sub_dictionaries_too_and_only_there(tmp_path):
    inner = {f"module.{key}": value for key, value in WEIGHTS.items()}
    content = {"epoch": 3, "state_dict": inner, "mixed": {"module.a": torch.ones(1), "b": torch.ones(1)}}
    state = read_weights(saved(tmp_path / "w.pth", content))
    assert set(state) == {"epoch", "state_dict", "mixed"}
    assert set(state["state_dict"]) == {"weight", "bias"}
    assert set(state["mixed"]) == {"module.a", "b"}


@pytest.mark.parametrize("write", [lambda file, trap: torch.save({"a": trap}, file), None])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path, write):
    trap, file = Touch(str(tmp_path / "ran")), tmp_path / "evil.pth"
    if write is None:
        file.write_bytes(pickle.dumps(trap))
    else:
        write(file, trap)
    with pytest.raises(InputError, match=r"evil\.pth: .*run Python code"):
        read_weights(file)
    assert not (tmp_path / "ran").exists()
    pickle.loads((tmp_path / "evil.pth").read_bytes()) if write is None else torch.load(file, weights_only=False)
    assert (tmp_path / "ran").exists(), "the trap must be one"


def test_a_pickled_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"(?s)run Python code \(torch\.nn.*state_dict"):
        read_weights(saved(tmp_path / "model.pth", nn.Linear(2, 2)))


def cut(file):
    whole = saved(file, {"weight": torch.zeros(1000)})
    return written(file, whole.read_bytes()[:2000])


def foreign_zip(file):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "hello")
    return file


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "none.pth", "no such file"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: written(folder / "w.pth", b""), "is empty"),
        (lambda folder: written(folder / "w.safetensors", b""), "is empty"),
        (lambda folder: written(folder / "w.safetensors", b"\x10" + 40 * b"x"), "no safetensors file"),
        (lambda folder: cut(folder / "w.pth"), "cut off"),
        (lambda folder: written(folder / "w.pth", b"<html>Quota exceeded</html>"), "no torch checkpoint"),
        (lambda folder: written(folder / "w.pth", bytes(100)), "no torch checkpoint"),
        (lambda folder: foreign_zip(folder / "w.pth"), "no torch checkpoint"),
        (lambda folder: saved(folder / "w.pth", [torch.ones(1)]), "holds a list"),
        (lambda folder: saved(folder / "w.pth", {"epoch": 3, "state_dict": {}}), "holds no weights"),
        (lambda folder: saved(folder / "w.pth", {"s": {"a": torch.tensor([0, float("nan")])}}), "a holds NaN"),
        (lambda folder: saved(folder / "w.pth", {"a": torch.tensor([float("inf")])}), "a holds NaN or infinity"),
    ],
)
def test_files_that_hold_no_usable_weights_are_named_with_the_reason(tmp_path, make, reason):
    file = make(tmp_path)
    with pytest.raises(InputError, match=reason) as caught:
        read_weights(file)
    assert str(file) in str(caught.value)
    assert str(caught.value).count("\n") <= 1


def test_loading_is_all_or_nothing():
    layer = nn.Linear(3, 2)
    load_strict(layer, WEIGHTS)
    assert torch.equal(layer.weight, WEIGHTS["weight"])
    bad = {"weight": torch.zeros(2, 4), "scale": torch.zeros(1), "epoch": 3}
    with pytest.raises(InputError) as caught:
        load_strict(layer, bad)
    assert str(caught.value) == (
        "The weights do not fit Linear with 2 keys.\n"
        "1 missing: bias; 2 unexpected: scale, epoch; 1 of another shape: weight [2, 4] instead of [2, 3]."
    )
    assert torch.equal(layer.weight, WEIGHTS["weight"])


def test_long_lists_of_keys_are_counted():
    with pytest.raises(InputError, match=r"7 unexpected: k0, k1, k2 and 4 more\.$"):
        load_strict(nn.Linear(3, 2), WEIGHTS | {f"k{index}": torch.ones(1) for index in range(7)})
