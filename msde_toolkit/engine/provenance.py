"""Where a run's numbers come from: versions, plugins, device, hashes, seeds. No machine path, no user name."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PureWindowsPath
from typing import Any

import torch

import msde_toolkit
from msde_toolkit.data.faces.prepared import recipes_in
from msde_toolkit.engine.device import describe
from msde_toolkit.engine.prepare import Prepared

PACKAGES = ("torch", "torchvision", "accelerate", "numpy", "pandas", "scikit-learn", "pillow", "safetensors")


def provenance(prepared: Prepared, command: Sequence[str] | None = None) -> dict[str, Any]:
    """For ``provenance.json``. ``command`` is the command line; paths are cut to their last part, a home to ``~``."""
    config = prepared.config
    return {
        "schema": 1,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "msde-toolkit": msde_toolkit.__version__,
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
            **{name: version(name) for name in PACKAGES},
        },
        "git": _git(),
        "plugins": {role: info.as_dict() for role, info in prepared.plugins.items()},
        "device": describe(prepared.compute.device),
        "threads": torch.get_num_threads(),
        "precision": {"used": prepared.compute.precision, "reason": prepared.compute.reason},
        "data": {
            "manifest_sha256": prepared.manifest.content_hash(),
            "pixels_sha256": prepared.images.sha256,
            "samples": len(prepared.manifest),
            "version": prepared.source.dataset.version,
            "prep": recipes_in(prepared.manifest),
        },
        "pretraining": prepared.weights.label,
        "weights_sha256": prepared.weights.sha256,
        "seeds": {"seed": config.seed, "repeats": config.repeats},
        "train_on": prepared.train_on,
        "select": prepared.settings.select,
        "profile": config.profile,
        "options": {
            "model": dict(prepared.settings.model),
            "loss": prepared.loss.options.model_dump(mode="json"),
            "data": dict(prepared.source.options),
            "mask": dict(prepared.source.mask_options),
            "train": prepared.train.model_dump(mode="json"),
        },
        "command": without_folders(command),
    }


def without_folders(command: Sequence[str] | None) -> list[str]:
    """A command line whose paths are cut to their last part, a home to ``~``."""
    return [_without_folder(word) for word in command or []]


def _without_folder(word: str) -> str:
    key, equals, value = word.rpartition("=")
    if not {"/", "\\"} & set(value):
        return word
    name = PureWindowsPath(value).name
    return f"{key}{equals}{'~' if name == Path.home().name else name}"


def _git() -> dict[str, Any] | None:
    """Commit of the toolkit's own checkout; None where it is installed as a package."""
    home = Path(msde_toolkit.__file__).parent
    if not (home.parent / ".git").exists():
        return None
    try:
        commit = _git_output(home, "rev-parse", "HEAD")
        return {"commit": commit, "changed": bool(_git_output(home, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _git_output(folder: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed words, no shell
        ["git", "-C", str(folder), *words],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()


def command_line() -> list[str]:
    """This process's command line, starting with ``msde``."""
    return ["msde", *sys.argv[1:]]
