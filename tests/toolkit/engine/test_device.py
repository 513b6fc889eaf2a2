"""Devices and precisions, as far as a machine without a GPU can tell."""

from __future__ import annotations

import shutil

import pytest
import torch

from msde_toolkit.engine.device import bf16_gain, choose_device, choose_precision, describe, unused_gpu
from msde_toolkit.errors import InputError

CPU = torch.device("cpu")
GPU = torch.cuda.is_available()


def test_auto_takes_a_gpu_where_there_is_one():
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type == ("cuda" if GPU else "mps" if torch.backends.mps.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:0", "", "CPU"])
def test_unknown_devices(name):
    with pytest.raises(InputError, match=rf"^--device {name}: unknown device\. Devices: auto, cpu, cuda, mps\.$"):
        choose_device(name)


@pytest.mark.skipif(GPU, reason="there is a GPU")
def test_a_missing_device_says_what_to_do():
    with pytest.raises(InputError, match=r"^--device cuda: not available: .*Use --device auto or cpu\.$"):
        choose_device("cuda")


@pytest.mark.skipif(GPU, reason="there is a GPU")
def test_a_driver_that_torch_cannot_use_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert unused_gpu() is None
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert shutil.which("nvidia-smi")
    assert "an NVIDIA driver is installed but torch" in unused_gpu()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_precision_that_was_asked_for_is_taken(precision):
    chosen = choose_precision(precision, CPU)
    assert (chosen.device, chosen.precision, chosen.reason) == (CPU, precision, "as asked")


def test_the_probe_gives_a_reason_and_leaves_no_trace():
    torch.manual_seed(11)
    state = torch.random.get_rng_state()
    bf16_gain.cache_clear()
    chosen = choose_precision("auto", CPU)
    assert chosen.precision in {"fp32", "bf16"}
    assert "times as fast as fp32 here" in chosen.reason
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not torch.is_autocast_enabled("cpu")
    assert torch.is_grad_enabled()
    assert choose_precision("auto", CPU) == chosen, "one measurement for all runs of a process"


def test_a_device_is_described_without_a_serial_number():
    assert describe(CPU) == f"cpu ({torch.get_num_threads()} threads)"


@pytest.mark.cuda
@pytest.mark.skipif(not GPU, reason="needs a GPU")
def test_the_probe_on_a_gpu_leaves_its_generator_alone():
    torch.cuda.manual_seed(11)
    state = torch.cuda.get_rng_state()
    bf16_gain.cache_clear()
    choose_precision("auto", torch.device("cuda"))
    assert torch.equal(torch.cuda.get_rng_state(), state)
