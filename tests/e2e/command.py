"""``msde`` as a process, and the smallest run that is still a real one."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TINY = [
    "--set",
    "data.subjects=6",
    "--set",
    "data.size=64",
    "--set",
    "train.image_size=40",
    "--set",
    "train.epochs=2",
    "--folds",
    "2",
]
SCAN_CL = ["run", "--model", "scan", "--loss", "cl", *TINY]


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    code: int
    out: str
    err: str


def spawn(folder: Path, *words: object, **variables: str) -> subprocess.Popen[str]:
    """``msde`` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "msde_toolkit", *map(str, words)],
        cwd=folder,
        env={**os.environ, "COLUMNS": "120", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
