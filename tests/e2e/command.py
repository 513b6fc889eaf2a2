"""``msde`` in this process and in one of its own, and the smallest run that is still a real one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from msde_toolkit.cli.app import main

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


def call(folder: Path, *words: object) -> Outcome:
    """``msde`` in this process, working in a folder; for what several tests look at, where ``msde`` is for one."""
    typed, out, err = [str(word) for word in words], io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["msde", *typed])  # which a run keeps
        with pytest.raises(SystemExit) as end:
            main()
    return Outcome(int(end.value.code or 0), out.getvalue(), err.getvalue())


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
