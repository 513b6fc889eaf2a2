"""Optimiser and learning rates: two groups, each with its own course."""

from __future__ import annotations

import math

import pytest
import torch

from msde_toolkit.create import create_model
from msde_toolkit.engine.schedule import make_optimizer, make_scheduler
from msde_toolkit.engine.train_options import TrainOptions


@pytest.fixture(scope="module")
def model():
    return create_model("resnet18")


def course(model, steps=1, **options):
    """The two rates at every step."""
    options = TrainOptions(**{"lr_backbone": 1e-3, "lr_head": 1e-2} | options)
    optimizer = make_optimizer(model, options)
    scheduler, every_step = make_scheduler(optimizer, options, steps)
    rates = []
    for _ in range(options.epochs):
        for _ in range(steps):
            rates.append([group["lr"] for group in optimizer.param_groups])
            optimizer.step()
            if scheduler is not None and every_step:
                scheduler.step()
        if scheduler is not None and not every_step:
            scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("name", "rule"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)]
)
def test_backbone_and_head_have_rates_of_their_own(model, name, rule):
    optimizer = make_optimizer(
        model, TrainOptions(optimizer=name, lr_backbone=0.01, lr_head=0.02, weight_decay=0.3, momentum=0.4)
    )
    assert type(optimizer) is rule
    groups = {group["name"]: group for group in optimizer.param_groups}
    assert {name: group["lr"] for name, group in groups.items()} == {"backbone": 0.01, "head": 0.02}
    assert all(group["weight_decay"] == 0.3 for group in groups.values())
    assert {id(p) for p in groups["head"]["params"]} == {id(p) for p in model.head.parameters()}
    assert sum(len(group["params"]) for group in groups.values()) == len(list(model.parameters()))
    if name == "sgd":
        assert all(group["momentum"] == 0.4 for group in groups.values())


def test_constant(model):
    assert course(model, 3, schedule="constant", epochs=2) == [[1e-3, 1e-2]] * 6


def test_steps_fall_at_the_milestones_for_both(model):
    rates = course(model, 2, schedule="steps", epochs=4, milestones=[1, 3], gamma=0.1)
    backbone = [1e-3] * 2 + [1e-4] * 4 + [1e-5] * 2
    assert [rate for rate, _ in rates] == pytest.approx(backbone)
    assert [rate for _, rate in rates] == pytest.approx([10 * rate for rate in backbone])


@pytest.mark.parametrize("steps", range(1, 13))
def test_one_cycle_rises_and_falls_however_short(model, steps):
    rates = course(model, steps, schedule="onecycle", epochs=1)
    assert all(math.isfinite(rate) and 0 < rate <= 1e-3 * (1 + 1e-9) for rate, _ in rates)
    assert all(head == pytest.approx(10 * backbone) for backbone, head in rates)
    if steps > 2:
        top = max(range(steps), key=lambda step: rates[step][0])
        assert 1 <= top <= max(1, steps // 4)
        assert rates[0][0] == pytest.approx(1e-3 / 25)
        assert rates[-1][0] < 1e-6


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_one_cycle_leaves_the_users_momentum_alone(model, momentum):
    options = TrainOptions(optimizer="sgd", schedule="onecycle", momentum=momentum)
    optimizer = make_optimizer(model, options)
    scheduler, _ = make_scheduler(optimizer, options, 4)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
        assert {group["momentum"] for group in optimizer.param_groups} == {momentum}


def test_frozen_parameters_are_left_out():
    model = create_model("resnet18")
    model.backbone.requires_grad_(False)
    (group,) = make_optimizer(model, TrainOptions()).param_groups
    assert group["name"] == "head"
