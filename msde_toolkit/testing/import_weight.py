"""What importing a plugin's module costs, measured in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
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

# Forking (where that is safe) lets one process answer for all plugins of a distribution, each on a clean slate.
_SCRIPT = f"""
import json, os, sys, time
import torch, msde_toolkit.interfaces

def measure(module):
    before, begin = set(sys.modules), time.process_time()
    try:
        __import__(module)
        error = ""
    except BaseException as caught:
        error = f"{{type(caught).__name__}}: {{caught}}"
    seconds = time.process_time() - begin
    heavy = sorted({{name.partition(".")[0] for name in set(sys.modules) - before}} & set({HEAVY!r}))
    return json.dumps({{"module": module, "seconds": seconds, "heavy": heavy, "error": error}})

for module in sys.argv[1:]:
    if len(sys.argv) > 2:
        if os.fork():
            os.wait()
            continue
        os.write(1, (measure(module) + "\\n").encode())
        os._exit(0)
    print(measure(module))
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
    if sys.platform == "linux":
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
    # The child sees the same import path, whatever this process added to it.
    path = f"import sys; sys.path[:] = {[entry for entry in sys.path if entry]!r}\n"
    command = [sys.executable, "-c", path + _SCRIPT, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own script
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return {str(found["module"]): found for found in map(json.loads, lines)}
