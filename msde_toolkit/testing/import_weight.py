"""What importing a plugin's module costs, measured in a fresh process."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from msde_toolkit.hooks import GROUP
from msde_toolkit.registry import KINDS, PluginInfo, Registry, find
from msde_toolkit.testing.checks import Broken

LIMIT_SECONDS = 4.0
"""Processor time that an import may take beyond the baseline."""
HEAVY = (
    "matplotlib",
    "scipy",
    "sklearn",
    "umap",
    "numba",
    "cv2",
    "pytorch_grad_cam",
    "timm",
    "transformers",
    "tensorflow",
    "torchvision",
)
"""Packages worth naming where an import brings them in; pandas comes with the toolkit's own records."""

FORKS = sys.platform == "linux"
"""Whether a process that has imported torch may fork: then one answers for every plugin, each on a clean slate."""

_SCRIPT = f"""
import importlib, json, os, sys, time
answers = os.dup(1)
os.dup2(2, 1)  # what a module prints is no answer
import torch, msde_toolkit.interfaces

def measure(module):
    importlib.invalidate_caches()
    before, begin = set(sys.modules), time.process_time()
    try:
        __import__(module)
        error = ""
    except BaseException as caught:
        error = f"{{type(caught).__name__}}: {{caught}}"
    seconds = time.process_time() - begin
    heavy = sorted({{name.partition(".")[0] for name in set(sys.modules) - before}} & set({HEAVY!r}))
    told = {{"module": module, "seconds": seconds, "heavy": heavy, "error": error}}
    os.write(answers, (json.dumps(told) + "\\n").encode())

for line in sys.stdin:
    asked = json.loads(line)
    sys.path[:] = asked["path"]
    for module in asked["modules"]:
        if not {FORKS}:
            measure(module)
        elif os.fork():
            os.wait()
        else:
            measure(module)
            os._exit(0)
    os.write(answers, b"\\n")
"""


@dataclass(frozen=True)
class ImportWeight:
    """Processor seconds of one import, and the heavy packages that came with it."""

    seconds: float
    heavy: tuple[str, ...]


def import_weight(info: PluginInfo) -> ImportWeight:
    """What the import of a plugin's module costs beyond torch and the toolkit's interfaces.

    Raises:
        Broken: if it cannot be imported in a process of its own.
    """
    module = info.entry_point.module
    modules = [module]
    if FORKS:
        modules = sorted({module, *(other.entry_point.module for other in _of_distribution(info.distribution))})
    found = _measured(tuple(modules)).get(module)
    if found is None or found["error"]:
        reason = "the process died" if found is None else str(found["error"]).splitlines()[0]
        message = f"import {module} in a fresh process: {reason}"
        raise Broken(message)
    return ImportWeight(float(found["seconds"]), tuple(found["heavy"]))


def _of_distribution(distribution: str) -> list[PluginInfo]:
    every = [info for kind in KINDS for info in Registry(kind).plugins()] + find(GROUP, "hooks")
    return [info for info in every if info.distribution == distribution]


@cache
def _measured(modules: Sequence[str]) -> dict[str, dict[str, Any]]:
    helper = _kept() if FORKS else _started()
    asking, answers = helper.stdin, helper.stdout
    assert asking is not None
    assert answers is not None
    # The other process sees the same import path, whatever this one has added to it by now.
    request = {"path": [entry for entry in sys.path if entry], "modules": modules}
    with suppress(BrokenPipeError):
        print(json.dumps(request), file=asking, flush=True)
    lines = list(iter(lambda: answers.readline().strip(), ""))  # to the empty line, or to the helper's death
    if not FORKS:
        helper.communicate()
    return {str(found["module"]): found for found in map(json.loads, lines)}


@cache
def _kept() -> subprocess.Popen[str]:
    """The one helper of this process: importing torch anew for each distribution takes longer than its checks."""
    helper = _started()
    atexit.register(helper.communicate)
    return helper


def _started() -> subprocess.Popen[str]:
    path = f"import sys; sys.path[:] = {[entry for entry in sys.path if entry]!r}\n"
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    command = [sys.executable, "-c", path + _SCRIPT]  # our own script
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing, text=True)  # noqa: S603
