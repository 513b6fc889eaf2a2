"""The reference vectors beside the repository: weights and inputs made by a rule, and the outputs expected of them."""

import importlib.util
import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

SHARED = Path(os.environ.get("MSDE_SHARED", Path(__file__).parents[2].parent / "shared"))
FOLDER = SHARED / "parity"

needs_vectors = pytest.mark.skipif(not FOLDER.is_dir(), reason="no reference vectors: set MSDE_SHARED to their folder")


@cache
def rule():
    spec = importlib.util.spec_from_file_location("reference_rule", FOLDER / "rule.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def state(name):
    """Sub-dictionary -> key -> tensor."""
    parts = rule().state(FOLDER / f"{name}.keys.json")
    return {
        part: {key: torch.from_numpy(np.asarray(array)) for key, array in arrays.items()}
        for part, arrays in parts.items()
    }


def image(name, batch):
    return torch.from_numpy(rule().image(name, batch))


def arrays(name):
    """Expected outputs."""
    with np.load(FOLDER / f"{name}.npz") as stored:
        return {key: torch.from_numpy(stored[key]) for key in stored}


def document(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def loss_case(case):
    """A case of ``losses.json``, and what draws its inputs: name, columns and scale to ``[B, columns]``."""
    expected = document("losses")["cases"][case]

    def drawn(name, columns, scale):
        array = rule().normal(f"loss:{case}:{name}", (expected["B"], columns)) * scale
        return torch.from_numpy(array.astype("float32")).double()

    return expected, drawn
