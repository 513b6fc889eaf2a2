"""Whether this loss can train this model: one step on images that are thrown away, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from msde_toolkit.errors import InputError, MsdeError, PluginError
from msde_toolkit.interfaces import Loss, LossContext, Model
from msde_toolkit.types import Batch, ModelOutput, PairBatch


@dataclass(frozen=True)
class Composition:
    """What the trial step showed: F, and what the reader of the results must know of this pair."""

    features: int
    notes: tuple[str, ...]


def compose(model: Model, loss: Loss, image_size: int, pairs: bool, names: tuple[str, str]) -> Composition:
    """Try one step, in evaluation mode and without gradients, on two grey images (or pairs).

    Args:
        model: on the CPU; unchanged, but left in evaluation mode.
        loss: to try.
        image_size: side in pixels.
        pairs: whether the run trains on pairs.
        names: of model and loss, for the message.

    Raises:
        InputError: if the two do not work together, or the model's features are not ``[B, F]``.
        PluginError: if one of them fails in another way.
    """
    model.eval()
    images = torch.full((2, 3, image_size, image_size), 0.5)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            shown = model.embed(model.input_spec.normalise(images)) if model.frozen else images
            output = _forward(model, shown)
            features = output.features.shape[1]
            context = LossContext(
                0, 1, model.classes, lambda _: _criterion, (0,), lambda x: _forward(model, x),
                loss.make_head(features, model.classes),
            )  # fmt: skip
            batch = _batch(shown, model.classes, pairs=pairs)
            loss.step(model, lambda x: _forward(model, x), batch, context)
    except MsdeError as error:
        message = f"--model {names[0]} --loss {names[1]}: {error}"
        raise (InputError if isinstance(error, InputError) else PluginError)(message) from error
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else ""
        message = f"--model {names[0]} --loss {names[1]} do not work together: {type(error).__name__}: {reason}"
        raise PluginError(message) from error
    return Composition(features, tuple(loss.notes(output)))


def _forward(model: Model, images: Tensor) -> ModelOutput:
    output: ModelOutput = model.classify(images) if model.frozen else model(model.input_spec.normalise(images))
    return output


def _criterion(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits, targets)


def _batch(images: Tensor, classes: int, *, pairs: bool) -> Batch | PairBatch:
    labels = torch.arange(2) % classes
    nm = Batch(
        images=images,
        labels=labels,
        targets=F.one_hot(labels, classes).float(),
        weight=torch.ones(2),
        condition=torch.zeros(2, dtype=torch.int64),
        ids=("trial-0", "trial-1"),
    )
    return PairBatch(nm, replace(nm, condition=torch.ones(2, dtype=torch.int64))) if pairs else nm
