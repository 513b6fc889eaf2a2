"""Each plugin, made the way the toolkit makes it: by its name. Needs the package installed (``pip install -e .``)."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from msde_toolkit import create_loss, create_model
from msde_toolkit.create import create_analysis
from msde_toolkit.hooks import Listeners
from msde_toolkit.interfaces import AnalysisContext, LossContext
from msde_toolkit.types import Batch, EpochEnded, InputError, Manifest


def test_tinynet_learns_a_batch_by_heart():
    torch.manual_seed(0)
    model = create_model("tinynet", classes=7, options={"width": 8})
    labels = torch.arange(14) % 7
    targets = torch.nn.functional.one_hot(labels, 7).float()
    batch = Batch(torch.rand(14, 3, 32, 32), labels, targets, torch.ones(14), torch.zeros(14), tuple("abcdefghijklmn"))
    context = LossContext(0, 1, 7, criterion_for=lambda _: torch.nn.functional.cross_entropy)
    loss, optimizer = create_loss("ce"), torch.optim.Adam(model.parameters(), 0.02)
    totals = []
    for _ in range(60):
        total = loss.step(model, lambda images: model(model.input_spec.normalise(images)), batch, context).total
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total))
    assert totals[-1] < 0.1 * totals[0]


def test_tinynet_says_what_it_is():
    model = create_model("tinynet", classes=5, options={"width": 4}).eval()
    output = model(torch.rand(2, 3, model.smallest_input, model.smallest_input))
    assert output.logits.shape == (2, 5)
    assert output.features.shape == (2, 16)
    assert [target.name for target in model.cam_targets()] == ["last convolution"]
    with pytest.raises(InputError, match=r"model\.width"):
        create_model("tinynet", options={"width": 0})


@dataclass
class Run:
    """As much of a run as the analysis reads: four images of two people, logits chosen by hand."""

    name: str = "by-hand"
    title: str = "Logits chosen by hand"
    synthetic: bool = True

    @property
    def manifest(self):
        rows = {"id": list("abcd"), "subject": ["s", "s", "t", "t"], "label": [0, 1, 0, 1], "condition": ["nm"] * 4}
        return Manifest.from_frame(pd.DataFrame(rows), "by-hand", synthetic=True)

    @property
    def predictions(self):
        frame = self.manifest.frame[["id", "subject", "condition", "label"]].copy()
        # Two of seven classes share the probability: 0.9 and 0.1, three answers of four right.
        logits = [[np.log(p), np.log(1 - p), *[-1000.0] * 5] for p in (0.9, 0.1, 0.9, 0.9)]
        return frame.assign(logits=pd.Series(logits, dtype=object), predicted=[0, 1, 0, 0])


def test_reliability_of_a_model_that_is_too_sure():
    result = create_analysis("reliability", {"bins": 5}).run(AnalysisContext([Run()], Path()))
    found = result.summary["runs"][0]
    assert found["confidence"] == pytest.approx(0.9)
    assert found["accuracy"] == pytest.approx(0.75)
    assert found["gap"] == pytest.approx(0.15)
    assert found["expected_calibration_error"] == pytest.approx(0.15)
    assert found["gap_ci95"] == pytest.approx((-0.1, 0.4))  # one subject all right, the other half right
    table = result.tables["reliability"]
    assert table["n"].tolist() == [0, 0, 0, 0, 4]
    assert table["accuracy"].isna().tolist() == [True] * 4 + [False]
    assert any("synthetic" in text.get_text() for text in result.figures["reliability"].texts)


def test_epochs_are_appended_where_the_variable_points(tmp_path, monkeypatch):
    event = EpochEnded("r", 0, "00", 0, 2, {"ce": 1.5, "total": 1.5}, images_per_second=100.0, seconds=2.0)
    Listeners().tell("msde_epoch_ended", event)  # the variable is not set: nothing happens
    monkeypatch.setenv("MSDE_EPOCHS_CSV", str(tmp_path / "epochs.csv"))
    for _ in range(2):
        Listeners().tell("msde_epoch_ended", event)
    with (tmp_path / "epochs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["fold"], row["term"], float(row["value"])) for row in rows] == [
        ("00", "ce", 1.5),
        ("00", "total", 1.5),
    ] * 2
