"""One fold's training: learning, statistics, criterion, randomness."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from msde_toolkit.create import create_loss, create_model
from msde_toolkit.data.augmentation import AugmentationOptions
from msde_toolkit.data.batches import BatchSource, TrainingPlan
from msde_toolkit.engine.device import Compute
from msde_toolkit.engine.train_options import PRESETS, TrainOptions, within_budget
from msde_toolkit.engine.trainer import FoldTrainer
from msde_toolkit.errors import MsdeError
from msde_toolkit.types import Manifest

CPU = Compute(torch.device("cpu"), "fp32", "test")
STILL = AugmentationOptions(flip=0, rotation=0, shift=0, zoom=0, brightness=0, contrast=0, saturation=0)


def pairs_of_colours(pairs: int = 32, size: int = 40) -> tuple[Manifest, np.ndarray]:
    """Pairs whose label is the colour of a patch (three bits); noise elsewhere."""
    rng = np.random.default_rng(0)
    labels = np.arange(pairs) % 7
    rows = [
        {"id": f"{n}-{word}", "label": labels[n], "condition": word, "pair": str(n), "subject": f"s{n % 8}"}
        for n in range(pairs)
        for word in ("nm", "m")
    ]
    pixels = rng.integers(0, 60, (2 * pairs, size, size, 3), dtype=np.uint8)
    colours = ((labels[:, None] + 1) >> np.arange(3) & 1) * 180
    pixels[:, 8:32, 8:32] += colours.repeat(2, axis=0)[:, None, None].astype(np.uint8)
    return Manifest.from_frame(pd.DataFrame(rows), "colours", synthetic=True), pixels


def trainer(model="resnet18", loss="ce", options=None, compute=CPU, batch=32, seed=(0, 0, "00"), **more) -> FoldTrainer:
    manifest, pixels = pairs_of_colours()
    rows = manifest.pairs()[["nm", "m"]].to_numpy(dtype=np.int64)
    train = TrainOptions(**({"epochs": 30, "schedule": "constant", "lr_backbone": 1e-3} | (options or {})))
    torch.manual_seed(0)
    return FoldTrainer(
        model=create_model(model, options={"backbone": "resnet18"} if model == "scan" else None),
        loss=create_loss(loss),
        source=BatchSource(manifest, pixels, compute.device),
        plan=TrainingPlan(rows, batch, STILL),
        options=train,
        compute=compute,
        seed=seed,
        **more,
    )


@pytest.mark.parametrize(("model", "loss"), [("resnet18", "ce"), ("resnet18", "cl"), ("scan", "cl")])
def test_it_overfits_32_pairs(model, loss):
    training = trainer(model, loss, {"epochs": 6, "schedule": "onecycle", "lr_backbone": 1e-3, "lr_head": 1e-3})
    first = training.run_epoch()
    last = [training.run_epoch() for _ in range(5)][-1]
    assert last.losses["total"] < 0.5 * first.losses["total"]
    assert min(last.accuracy.values()) > 0.9
    assert first.images == 64, "every loss sees the same number of images"


def test_evaluation_mode_never_leaks_into_training():
    training = trainer()
    statistics = training.model.get_buffer("backbone.bn1.running_mean")
    seen = [statistics.clone()]
    for _ in range(2):
        training.run_epoch()
        training.predict(np.arange(4))
        seen.append(statistics.clone())
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])


def test_predicting_changes_nothing():
    training = trainer()
    training.run_epoch()
    before = {name: value.clone() for name, value in training.model.state_dict().items()}
    once, again = training.predict(np.arange(8)), training.predict(np.arange(8))
    assert (once == again).all()
    assert all(torch.equal(value, before[name]) for name, value in training.model.state_dict().items())


def test_the_criterion_in_closed_form():
    weights = torch.tensor([1.0, 2.0, 1.0, 1.0, 0.5, 1.0, 1.0])
    training = trainer(options={"label_smoothing": 0.1}, class_weights=weights)
    logits, labels = torch.randn(5, 7), torch.tensor([1, 4, 0, 6, 1])
    sample = torch.tensor([1.0, 0.0, 2.0, 1.0, 1.0])
    targets = F.one_hot(labels, 7).float()
    smooth = 0.9 * targets + 0.1 / 7
    expected = -(weights * smooth * logits.log_softmax(1)).sum(1)
    got = training.criterion_for(sample)(logits, targets)
    assert got == pytest.approx(((expected * sample).sum() / sample.sum()).item(), rel=1e-5)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    one, same, other = (trainer(seed=seed) for seed in ((0, 0, "00"), (0, 0, "00"), (1, 0, "00")))
    for training in (one, same, other):
        training.run_epoch()
    rows = np.arange(6)
    assert (one.predict(rows) == same.predict(rows)).all()
    assert not (one.predict(rows) == other.predict(rows)).all()


def test_going_on_from_a_state_is_bit_equal():
    straight, stopped = trainer(options={"schedule": "onecycle"}), trainer(options={"schedule": "onecycle"})
    straight.run_epoch()
    stopped.run_epoch()
    state = stopped.state()
    fresh = trainer(options={"schedule": "onecycle"})
    fresh.restore(state)
    straight.run_epoch()
    fresh.run_epoch()
    assert (straight.predict(np.arange(8)) == fresh.predict(np.arange(8))).all()


def test_a_loss_that_is_no_number_stops_with_advice():
    training = trainer(options={"lr_backbone": 1e30, "lr_head": 1e30, "epochs": 1}, batch=8)
    with pytest.raises(MsdeError, match="learning rate"):
        training.run_epoch()


def test_bf16_trains_too():
    training = trainer(compute=Compute(torch.device("cpu"), "bf16", "test"))
    assert np.isfinite(training.run_epoch().losses["total"])
    assert training.predict(np.arange(4)).dtype == np.float32


def test_the_papers_schedule():
    training = trainer(options={"schedule": "steps", "milestones": (1, 2), "lr_backbone": 1e-4, "lr_head": 1e-3})
    rates = [training.run_epoch().lr for _ in range(3)]
    assert [rate["backbone"] for rate in rates] == pytest.approx([1e-4, 1e-5, 1e-6])
    assert [rate["head"] for rate in rates] == pytest.approx([1e-3, 1e-4, 1e-5])
    paper = TrainOptions(**PRESETS["paper"].train)
    assert (paper.optimizer, paper.epochs, paper.milestones) == ("adam", 25, (8, 14, 20))
    assert (paper.lr_backbone, paper.lr_head, paper.gamma) == (1e-4, 1e-3, 0.1)


def test_the_budget_cuts_epochs_but_not_below_the_fewest():
    options = TrainOptions(epochs=24, image_budget=40_000)
    assert [within_budget(options, images).epochs for images in (1_000, 3_500, 1_000_000)] == [24, 11, 6]
    assert within_budget(TrainOptions(epochs=2, image_budget=1), 10**6).epochs == 2
    assert within_budget(TrainOptions(epochs=24), 10**9).epochs == 24
