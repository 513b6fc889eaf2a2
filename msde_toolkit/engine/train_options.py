"""How a fold is trained: everything that ``--set train.KEY=VALUE`` can change, and what the presets make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from msde_toolkit.data.augmentation import AugmentationOptions
from msde_toolkit.engine.released_code import ReleasedCodeOptions


class TrainOptions(AugmentationOptions, ReleasedCodeOptions):
    """Defaults are the paper's protocol (Sec. 3.1, 3.3); what it leaves unsaid follows its released code."""

    epochs: int = Field(25, ge=1, description="Passes over the training samples.")
    image_budget: int = Field(
        0, ge=0, description="Cut epochs so that all folds together train on about so many images; 0: do not."
    )
    batch_size: int = Field(96, ge=2, description="Images a step; a pair counts as two.")
    image_size: int = Field(224, ge=16, le=1024, description="Side of the network's input in pixels.")
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="Update rule.")
    lr_backbone: float = Field(1e-4, gt=0, description="Learning rate of the backbone (its peak, for one-cycle).")
    lr_head: float = Field(1e-3, gt=0, description="Learning rate of the classifier (its peak, for one-cycle).")
    weight_decay: float = Field(0.0, ge=0, description="Weight decay.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum of sgd.")
    schedule: Literal["steps", "onecycle", "constant"] = Field("steps", description="Course of the learning rates.")
    milestones: tuple[int, ...] = Field((8, 14, 20), description="Epochs at which 'steps' multiplies by gamma.")
    gamma: float = Field(0.1, gt=0, description="Factor at each milestone.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Smoothing of the targets.")
    class_weights: bool = Field(False, description="Weigh classes by their inverse frequency in the training fold.")
    soft_targets: bool = Field(False, description="Train on the dataset's soft targets (votes) where it has some.")
    clip_norm: float = Field(0.0, ge=0, description="Largest gradient norm; 0 switches clipping off.")
    meter_steps: int = Field(1, ge=0, description="Steps an epoch at which each term's gradient is measured; 0: none.")
    checkpoint_seconds: float = Field(30.0, ge=0, description="Least time between two resumable checkpoints.")


FEWEST_EPOCHS = 6
"""What a budget leaves at least (unless ``epochs`` itself is smaller)."""


def within_budget(options: TrainOptions, images: int) -> TrainOptions:
    """``options`` with epochs cut to the budget; ``images`` are those of one epoch of all folds together."""
    if options.image_budget == 0:
        return options
    affordable = max(FEWEST_EPOCHS, round(options.image_budget / max(1, images)))
    return options.model_copy(update={"epochs": min(options.epochs, affordable)})


@dataclass(frozen=True)
class Preset:
    """A named set of starting values.

    Attributes:
        summary: what it is for.
        train: values that differ from the defaults of ``TrainOptions``.
        folds: number of folds where the dataset has no split of its own.
        caution: what a reader of its tables must know; empty for the paper's protocol.
    """

    summary: str
    train: Mapping[str, Any]
    folds: int
    caution: str = ""


PRESETS: Mapping[str, Preset] = {
    "paper": Preset("The protocol of the paper (Sec. 3.1): ten folds, 25 epochs, 224 px.", {}, folds=10),
    "quick": Preset(
        "A first result on a laptop in minutes.",
        {
            "epochs": 24,
            "image_budget": 40_000,
            "batch_size": 32,
            "image_size": 64,
            "optimizer": "adamw",
            "lr_backbone": 1.5e-3,
            "lr_head": 1.5e-3,
            "weight_decay": 0.05,
            "schedule": "onecycle",
            "rotation": 4.5,
            "shift": 0.04,
            "zoom": 0.065,
            "brightness": 0.1,
            "contrast": 0.1,
            "saturation": 0.1,
        },
        folds=2,
        caution="not for citation",
    ),
}
