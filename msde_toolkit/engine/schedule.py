"""Optimiser and course of the learning rates of one fold."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from msde_toolkit.engine.train_options import TrainOptions
from msde_toolkit.interfaces import Model


def make_optimizer(model: Model, options: TrainOptions, loss_head: nn.Module | None = None) -> Optimizer:
    """Backbone and head as two groups, each with its own learning rate (paper, Sec. 3.1); a loss's own head is a third.

    The third learns at the head's rate.
    """
    rates = {"backbone": options.lr_backbone, "head": options.lr_head}
    groups: list[dict[str, Any]] = [
        {"params": parameters, "lr": rates.get(name, options.lr_head), "name": name}
        for name, parameters in model.parameter_groups().items()
        if parameters
    ]
    if loss_head is not None:
        groups.append({"params": list(loss_head.parameters()), "lr": options.lr_head, "name": "loss head"})
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=options.momentum, weight_decay=options.weight_decay)
    rule = torch.optim.AdamW if options.optimizer == "adamw" else torch.optim.Adam
    return rule(groups, weight_decay=options.weight_decay)


def make_scheduler(optimizer: Optimizer, options: TrainOptions, steps: int) -> tuple[LRScheduler | None, bool]:
    """The scheduler (None for constant rates) and whether it steps after every batch instead of every epoch."""
    if options.schedule == "onecycle":
        peaks = [float(group["lr"]) for group in optimizer.param_groups]
        total = max(3, options.epochs * steps)
        # One-cycle also moves Adam's first beta; the momentum of sgd is an option of the user's and stays.
        cycle = options.optimizer != "sgd"
        # A quarter of the way up; torch divides by one step less, so a very short way needs two steps.
        rise = max(0.25, 2 / total)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, peaks, total_steps=total, pct_start=rise, cycle_momentum=cycle
        )
        return scheduler, True
    if options.schedule == "steps":
        milestones = list(options.milestones)
        return torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, options.gamma), False
    return None, False
