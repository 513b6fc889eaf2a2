"""Where and in which precision to compute: a thin skin over accelerate, with a probe instead of a promise for bf16."""

from __future__ import annotations

import shutil
import statistics
import time
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn

from msde_toolkit.errors import InputError

KINDS = ("auto", "cpu", "cuda", "mps")
WORTH_IT = 1.15
"""bf16 is taken where the probe finds it at least this many times as fast as fp32."""


@dataclass(frozen=True)
class Compute:
    """Device and precision of a run, with the reason for the precision."""

    device: torch.device
    precision: str
    reason: str


def choose_device(wanted: str) -> torch.device:
    """``auto`` takes a GPU where there is one.

    Raises:
        InputError: unknown, or asked for and not there.
    """
    if wanted not in KINDS:
        message = f"--device {wanted}: unknown device. Devices: {', '.join(KINDS)}."
        raise InputError(message)
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if available[kind]))
    if not available[wanted]:
        hint = unused_gpu() or f"torch {torch.__version__} sees no such device"
        message = f"--device {wanted}: not available: {hint}. Use --device auto or cpu."
        raise InputError(message)
    return torch.device(wanted)


def unused_gpu() -> str | None:
    """A sentence where a GPU driver is there but this torch cannot use it."""
    if torch.cuda.is_available() or shutil.which("nvidia-smi") is None:
        return None
    if torch.version.cuda is None:
        return "an NVIDIA driver is installed but torch is a CPU build; install a CUDA build of torch"
    return f"an NVIDIA driver is installed but torch (CUDA {torch.version.cuda}) finds no usable GPU"


def choose_precision(wanted: str, device: torch.device) -> Compute:
    """``auto`` times a small convolution net both ways on this device; bf16 must be clearly faster to be taken."""
    if wanted != "auto":
        return Compute(device, wanted, "as asked")
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return Compute(device, "fp32", "this GPU has no native bf16")
    if device.type == "mps":
        return Compute(device, "fp32", "bf16 is not used on mps")
    gain = bf16_gain(device)
    if gain >= WORTH_IT:
        return Compute(device, "bf16", f"probe: {gain:.1f} times as fast as fp32 here")
    return Compute(device, "fp32", f"probe: bf16 only {gain:.1f} times as fast as fp32 here")


@cache
def bf16_gain(device: torch.device) -> float:
    """How many times as fast as in fp32 a training step of a small convolution net is in bf16.

    Measured once a process, so that the runs of a study do not differ by the noise of a measurement.
    """
    with torch.random.fork_rng(devices=[]):  # a probe must not shift the weights that are drawn after it
        layers = [nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 128, 3, padding=1, stride=2)]
        layers += [nn.ReLU(), nn.Conv2d(128, 128, 3, padding=1)]
        net = nn.Sequential(*layers).to(device).to(memory_format=torch.channels_last)
        images = torch.rand(16, 3, 48, 48, device=device).to(memory_format=torch.channels_last)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for repeat in range(4):
        for bf16 in (False, True):
            begin = time.perf_counter()
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                loss = net(images).float().square().mean()
            loss.backward()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if repeat:  # the first round pays for compilation of kernels
                seconds[bf16].append(time.perf_counter() - begin)
    return statistics.median(seconds[False]) / statistics.median(seconds[True])


def describe(device: torch.device) -> str:
    """The device in words, without a serial number."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({torch.get_num_threads()} threads)"
