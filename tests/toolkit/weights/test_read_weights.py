"""Weights files are opened without running what is in them, and fit completely or not at all."""

import pickle
import re
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from msde_toolkit.errors import InputError
from msde_toolkit.weights import read_weights, write_weights
from msde_toolkit.weights.read import name_of

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


def cut(file, zipped=True):
    torch.save({"weight": torch.zeros(1000)}, file, _use_new_zipfile_serialization=zipped)
    return written(file, file.read_bytes()[:2000])


def cut_safetensors(file):
    save_file({"weight": torch.zeros(1000)}, file)
    return written(file, file.read_bytes()[:2000])


def foreign_zip(file):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "hello")
    return file


def within(depth):
    content = {"a": torch.ones(1)}
    for _ in range(depth):
        content = {"s": content}
    return content


DEEP = b"\x80\x02" + 100_000 * b"}U\x01s" + b"}" + 100_000 * b"s" + b"."
"""A pickle of {"s": {"s": ...}}, deeper than Python's own recursion goes."""


def itself():
    content = {"a": torch.ones(1)}
    content["s"] = {"again": content}
    return content


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "none.pth", "no such file"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: written(folder / "w.pth", b""), "is empty"),
        (lambda folder: written(folder / "w.safetensors", b""), "is empty"),
        (lambda folder: written(folder / "w.safetensors", b"\x10" + 40 * b"x"), "no safetensors file"),
        (lambda folder: cut(folder / "w.pth"), "cut off"),
        (lambda folder: cut(folder / "old.pth", zipped=False), "cut off"),
        (lambda folder: cut_safetensors(folder / "w.safetensors"), "cut off"),
        (lambda folder: written(folder / "w.pth", b"<html>Quota exceeded</html>"), "is a web page"),
        (lambda folder: written(folder / "w.pkl", b"\n <!DOCTYPE html><html>Virus scan"), "is a web page"),
        (
            lambda folder: written(folder / "w.pth", b"version https://git-lfs.github.com/spec/v1\n"),
            "no torch checkpoint",
        ),
        (lambda folder: written(folder / "w.pth", bytes(100)), "no torch checkpoint"),
        (lambda folder: foreign_zip(folder / "w.pth"), "no torch checkpoint"),
        (lambda folder: saved(folder / "w.pth", [torch.ones(1)]), "holds a list"),
        (lambda folder: saved(folder / "w.pth", {"epoch": 3, "state_dict": {}}), "holds no weights"),
        (lambda folder: saved(folder / "w.pth", {"s": {"a": torch.tensor([0, float("nan")])}}), "a holds NaN"),
        (lambda folder: saved(folder / "w.pth", {"a": torch.tensor([float("inf")])}), "a holds NaN or infinity"),
        (lambda folder: saved(folder / "w.pth", {"a": "weights", "b": None}), "holds no weights"),
        (lambda folder: saved(folder / "w.pth", {3: torch.ones(1)}), "holds the key 3 of type int"),
        (lambda folder: saved(folder / "w.pth", {b"a": torch.ones(1)}), "holds the key b'a' of type bytes"),
        (lambda folder: saved(folder / "w.pth", {"a": torch.eye(3).to_sparse()}), "a is no plain tensor"),
        (lambda folder: saved(folder / "w.pth", {"a": torch.ones(2, dtype=torch.complex64)}), "a is no plain tensor"),
        (lambda folder: saved(folder / "w.pth", {"a": torch.empty(2, device="meta")}), "a is no plain tensor"),
        (lambda folder: saved(folder / "w.pth", {"a": torch.ones(1).expand(10**12)}), "a is no plain tensor"),
        (lambda folder: saved(folder / "w.pth", within(9)), "nested without end"),
        (lambda folder: written(folder / "w.pkl", DEEP), "nested without end"),
        (lambda folder: saved(folder / "w.pth", itself()), "nested without end"),
    ],
)
def test_files_that_hold_no_usable_weights_are_named_with_the_reason(tmp_path, make, reason):
    file = make(tmp_path)
    with pytest.raises(InputError, match=reason) as caught:
        read_weights(file)
    assert str(file) in str(caught.value)
    assert str(caught.value).count("\n") <= 1


@pytest.mark.parametrize("size", [20, 100, 2000])
def test_a_cut_file_is_told_in_whole_sentences(tmp_path, size):
    torch.save({"weight": torch.zeros(1000)}, tmp_path / "w.pth")
    file = written(tmp_path / "w.pth", (tmp_path / "w.pth").read_bytes()[:size])
    with pytest.raises(InputError) as caught:
        read_weights(file)
    told = str(caught.value).removeprefix(f"{file}: is cut off or damaged")
    assert re.fullmatch(r" \(PytorchStreamReader failed[^.(]+\)\. Download or save it again\.", told), told
    with pytest.raises(RuntimeError, match=r"PytorchStreamReader failed[^.]+\. .{80}"):  # it has more to say
        torch.load(file, weights_only=True)


@pytest.mark.parametrize("name", ["w.pth", "w.pkl", "pytorch_model.bin"])
def test_safetensors_under_another_name_are_read_as_what_they_are(tmp_path, name):
    write_weights(WEIGHTS, tmp_path / "w.safetensors", {"layout": "msceleb"})
    file = written(tmp_path / name, (tmp_path / "w.safetensors").read_bytes())
    state = read_weights(file)
    assert state.keys() == WEIGHTS.keys()
    assert all(torch.equal(state[key], value) for key, value in WEIGHTS.items())
    assert name_of(file) == f"{name} msceleb"
    cut = written(tmp_path / name, file.read_bytes()[:-4])
    with pytest.raises(InputError, match="is cut off, damaged or no safetensors file"):
        read_weights(cut)


@pytest.mark.parametrize("content", [b"\x40\x00\x00\x00\x00\x00\x00\x00{", b"12345678{}"])
def test_what_begins_like_safetensors_and_has_no_such_header_is_none(tmp_path, content):
    with pytest.raises(InputError, match="no torch checkpoint"):
        read_weights(written(tmp_path / "w.pth", content))


def test_a_few_dictionaries_that_stand_for_billions_are_gone_through_once(tmp_path):
    content = {"a": torch.ones(1)}
    for _ in range(6):
        content = {f"part{number}": content for number in range(100)}
    state = read_weights(saved(tmp_path / "w.pth", content))
    assert torch.equal(state["part7"]["part99"]["part0"]["part1"]["part2"]["part3"]["a"], torch.ones(1))


class Hidden:
    """Is unpickled as an ordered dictionary whose methods are text."""

    def __reduce__(self):
        return OrderedDict, (), {"items": "hidden", "keys": "hidden"}, None, iter([("a", torch.ones(1))])


def test_a_dictionary_whose_methods_a_pickle_hides_is_read_as_the_dictionary(tmp_path):
    assert read_weights(saved(tmp_path / "w.pth", Hidden())) == {"a": torch.ones(1)}


@pytest.mark.parametrize("zipped", [True, False])
def test_an_old_checkpoints_numpy_scalars_are_numbers(tmp_path, zipped):
    facts = {"best_prec1": np.float64(88.25), "epoch": np.int64(3), "flag": np.bool_(True)}
    torch.save({"state_dict": WEIGHTS, **facts}, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    state = read_weights(tmp_path / "w.pth")
    assert {key: state[key] for key in facts} == facts
    with pytest.raises(pickle.UnpicklingError):  # allowed while it was read, and no longer
        torch.load(tmp_path / "w.pth", weights_only=True)


def test_an_optimiser_state_with_numbers_as_keys_stays_what_it_is(tmp_path):
    optimiser = {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    state = read_weights(saved(tmp_path / "w.pth", {"state_dict": WEIGHTS, "optimizer": optimiser}))
    assert str(state["optimizer"]) == str(optimiser)


def test_what_is_written_is_read_again_whole_and_for_everyone(tmp_path):
    shared = torch.arange(4.0)
    write_weights({"a": shared, "b": shared[1:], "c": torch.ones(2, 2).T}, tmp_path / "w.safetensors", {"layout": "x"})
    state = read_weights(tmp_path / "w.safetensors")
    assert state.keys() == {"a", "b", "c"}
    assert torch.equal(state["b"], shared[1:])
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]
    (tmp_path / "plain").touch()
    assert (tmp_path / "w.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode
