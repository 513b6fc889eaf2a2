"""The effective-loss meter: shares of the loss and of the gradient, measured without touching the training."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import msde_toolkit as msde
from msde_toolkit.engine.meter import Meter
from msde_toolkit.results.effect import effect_notes, shares


class TwoParts(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(3, 2, bias=False)
        self.head = nn.Linear(2, 1)

    def parameter_groups(self):
        return {"backbone": list(self.backbone.parameters()), "head": list(self.head.parameters())}


def test_norms_of_each_term_on_the_backbone_alone():
    model = TwoParts()
    x = torch.tensor([[3.0, 0.0, 4.0]])
    meter = Meter(model, steps=1, planned=1)
    features = model.backbone(x)
    constant = torch.tensor(7.0)
    meter.measure(
        {"sum": features.sum(), "tenth": 0.1 * features[0, 0], "head": model.head.bias.sum(), "flat": constant}
    )
    assert meter.norms() == pytest.approx({"sum": 5 * 2**0.5, "tenth": 0.5, "head": 0.0, "flat": 0.0})
    assert all(parameter.grad is None for parameter in model.parameters()), "nothing is accumulated"
    features.sum().backward()


@pytest.mark.parametrize(("steps", "planned", "measured"), [(1, 9, [4]), (3, 9, [1, 4, 7]), (5, 2, [0, 1])])
def test_the_measured_steps_are_spread_over_the_epoch(steps, planned, measured):
    model = TwoParts()
    meter = Meter(model, steps, planned)
    for step in range(planned):
        meter.measure({"a": 10.0**step * model.backbone(torch.ones(1, 3)).sum()})
    squares = [6 * 100.0**step for step in measured]  # six weights, each with the gradient 10^step
    assert meter.norms()["a"] == pytest.approx((sum(squares) / len(squares)) ** 0.5)


def test_nothing_is_measured_where_no_step_is_wanted():
    model = TwoParts()
    meter = Meter(model, 0, 4)
    meter.measure({"a": model.backbone(torch.ones(1, 3)).sum()})
    assert meter.norms() == {}


def test_measuring_does_not_change_the_training(tiny, tmp_path):
    def logits(name, steps):
        values = {"model": "tiny", "loss": "watch", "data": "dots", "precision": "fp32", "device": "cpu"}
        train = {"epochs": 2, "image_size": 20, "meter_steps": steps}
        return msde.open_run(msde.run(msde.RunConfig.create(**values, set_train=train), out=tmp_path / name).directory)

    without, much = logits("without", 0), logits("much", 100)
    assert all((a == b).all() for a, b in zip(without.predictions["logits"], much.predictions["logits"], strict=True))
    assert without.summary["terms"]["ce"]["gradient_share"] is None
    assert much.summary["terms"]["ce"]["gradient_share"] == {"mean": 1.0, "first": 1.0, "last": 1.0}


def test_shares():
    assert shares({"a": 3.0, "b": -1.0}) == {"a": 0.75, "b": 0.25}
    assert shares({"a": 0.0}) == {"a": 0.0}
    assert shares({}) == {}


def test_what_a_reader_is_told():
    def course(mean):
        return {"mean": mean, "first": mean, "last": mean}

    terms = {"ce": {"gradient_share": course(0.997)}, "mse": {"gradient_share": course(0.003)}}
    notes = effect_notes({"terms": terms, "images_per_step": {"batch": 32.0, "shown": 16.0}})
    assert notes == [
        "the term mse has 0.3 % of the gradient on the backbone: it does next to nothing",
        "a step of 32 images shows the model 16 of them",
    ]
    assert effect_notes({"terms": None, "images_per_step": None}) == []
