"""Training of one fold: a model, a loss, batches, and nothing that knows of other folds."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn

from msde_toolkit.data.batches import BatchSource, Rows, TrainingPlan
from msde_toolkit.engine.device import Compute
from msde_toolkit.engine.meter import Meter
from msde_toolkit.engine.schedule import make_optimizer, make_scheduler
from msde_toolkit.engine.train_options import TrainOptions
from msde_toolkit.errors import MsdeError
from msde_toolkit.interfaces import Criterion, Forward, Loss, LossContext, Model
from msde_toolkit.randomness import Key, torch_seed
from msde_toolkit.types import Batch, InputSpec, ModelOutput, PairBatch

EVALUATION_BATCH = 128
HALF = InputSpec(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


@dataclass(frozen=True)
class EpochReport:
    """What one epoch says: means over its images.

    Attributes:
        epoch: 0-based.
        losses: each term, and ``total``.
        gradients: norm of each term's gradient on the backbone, where it was measured.
        accuracy: of the training images, by condition.
        lr: at the epoch's start, by group.
        seconds: wall time.
        images: in the epoch's batches.
        shown: images that the model was shown of them (a loss may leave some to its teacher).
        steps: number of batches.
    """

    epoch: int
    losses: Mapping[str, float]
    gradients: Mapping[str, float]
    accuracy: Mapping[str, float]
    lr: Mapping[str, float]
    seconds: float
    images: int
    shown: int
    steps: int


@dataclass
class FoldTrainer:
    """Trains one model on one fold.

    Args:
        model: fresh, on the CPU.
        loss: the training paradigm.
        source: batches of the run's manifest.
        plan: what an epoch goes over.
        options: epochs, rates, schedule.
        compute: device and precision.
        seed: names that key all randomness of this fold: (seed, repeat, fold).
        class_weights: ``[C]``, or None.
        teacher: frozen, for a loss that needs one.
        head: what the loss trains beside the model, or None.
    """

    model: Model
    loss: Loss
    source: BatchSource
    plan: TrainingPlan
    options: TrainOptions
    compute: Compute
    seed: tuple[Key, ...]
    class_weights: Tensor | None = None
    teacher: Forward | None = None
    head: nn.Module | None = None
    epoch: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.model.to(self.compute.device).to(memory_format=torch.channels_last)
        if self.head is not None:
            self.head.to(self.compute.device)
        self.optimizer = make_optimizer(self.model, self.options, self.head)
        self.scheduler, self.every_step = make_scheduler(self.optimizer, self.options, self.plan.steps)
        self.accelerator = make_accelerator(self.compute)
        self._prepared, self._prepared_optimizer = self.accelerator.prepare(self.model, self.optimizer)
        if self.class_weights is not None:
            self.class_weights = self.class_weights.to(self.compute.device)

    def forward(self, images: Tensor, input_spec: InputSpec | None = None) -> ModelOutput:
        """Images in [0, 1] (features of a frozen backbone) to an output in float32, whatever the precision inside.

        Args:
            images: ``[B, 3, H, W]``, or ``[B, F]``.
            input_spec: how they are normalised; by default as the model says.
        """
        if self.model.frozen:
            return self.model.classify(images)
        output: ModelOutput = self._prepared((input_spec or self.model.input_spec).normalise(images))
        return in_single_precision(output)

    def criterion_for(self, weight: Tensor) -> Criterion:
        """Cross entropy with class weights and smoothing, averaged over the batch by sample weight."""

        def criterion(logits: Tensor, targets: Tensor) -> Tensor:
            each = F.cross_entropy(
                logits.softmax(dim=1) if self.options.softmax_first else logits,
                targets,
                self.class_weights,
                reduction="none",
                label_smoothing=self.options.label_smoothing,
            )
            return (each * weight).sum() / weight.sum().clamp_min(1e-12)

        return criterion

    def run_epoch(self) -> EpochReport:
        """One pass over the training samples.

        Raises:
            MsdeError: if the loss is not a finite number.
        """
        begin = time.perf_counter()
        seed = (*self.seed, self.epoch)
        # Dropout and the like draw from torch's generator: keyed per epoch, a resumed run draws the same.
        torch.manual_seed(torch_seed(*seed, "torch"))
        self._prepared.train(not (self.options.eval_after_first_epoch and self.epoch > 0))
        context = LossContext(
            self.epoch, self.options.epochs, self.model.classes, self.criterion_for, seed, self.teacher, self.head
        )
        tally, meter = _Tally(self.source.conditions), Meter(self.model, self.options.meter_steps, self.plan.steps)
        rates = {str(group["name"]): float(group["lr"]) for group in self.optimizer.param_groups}
        for batch in self.source.epoch(self.plan, *seed):
            self._step(batch, context, tally, meter)
            if self.scheduler is not None and self.every_step:
                self.scheduler.step()
        if self.scheduler is not None and not self.every_step:
            self.scheduler.step()
        report = tally.report(self.epoch, rates, meter.norms(), time.perf_counter() - begin)
        # Asked once an epoch: a question at every step would make the host wait for the device each time.
        if not math.isfinite(report.losses["total"]):
            raise self._diverged(f"epoch {self.epoch + 1}: the loss is {report.losses['total']}")
        self.epoch += 1
        return report

    def _step(self, batch: Batch | PairBatch, context: LossContext, tally: _Tally, meter: Meter) -> None:
        outputs: list[ModelOutput] = []

        def forward(images: Tensor) -> ModelOutput:
            outputs.append(self.forward(images))
            return outputs[-1]

        terms = self.loss.step(self.model, forward, batch, context)
        total = terms.total
        meter.measure(terms.terms)
        self._prepared_optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(total)
        if self.options.clip_norm > 0:
            parameters = [*self.model.parameters(), *(self.head.parameters() if self.head is not None else ())]
            self.accelerator.clip_grad_norm_(parameters, self.options.clip_norm)
        self._prepared_optimizer.step()
        tally.add(batch, terms.terms, total, outputs)

    def _diverged(self, what: str) -> MsdeError:
        return MsdeError(
            f"Fold {self.seed[-1]}, {what}. "
            "Lower the learning rate (--set train.lr_backbone=...) or use --precision fp32."
        )

    @torch.no_grad()
    def predict(self, rows: Rows) -> npt.NDArray[np.float32]:
        """``[n, C]`` logits of these rows, in evaluation mode, images unchanged.

        Raises:
            MsdeError: if a logit is not a finite number.
        """
        self._prepared.eval()
        spec = HALF if self.options.half_normalised_tests else None
        batches = self.source.plain(rows, EVALUATION_BATCH)
        parts = [self.forward(batch.images, spec).logits.cpu() for batch in batches]
        logits = torch.cat(parts)
        if not torch.isfinite(logits).all():
            raise self._diverged(f"after epoch {self.epoch}: the model answers with numbers that are not finite")
        return logits.numpy()

    def state(self) -> dict[str, Any]:
        """Everything that training goes on from."""
        return {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": {} if self.scheduler is None else self.scheduler.state_dict(),
            "head": {} if self.head is None else self.head.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        if self.head is not None:
            self.head.load_state_dict(state["head"])
        self.epoch = int(state["epoch"])


def in_single_precision(output: ModelOutput) -> ModelOutput:
    """The output in float32: losses subtract features from one another, and sum many small numbers."""
    extras = {name: value.float() for name, value in output.extras.items()}
    return ModelOutput(output.logits.float(), output.features.float(), extras)


def make_accelerator(compute: Compute) -> Accelerator:
    """An accelerator for this device and precision; its process-wide state is set anew for every run."""
    AcceleratorState._reset_state(reset_partial_state=True)
    precision = "bf16" if compute.precision == "bf16" else "no"
    return Accelerator(cpu=compute.device.type == "cpu", mixed_precision=precision)


class _Tally:
    """Sums of an epoch, kept on the device so that no step waits for the host."""

    def __init__(self, conditions: tuple[str, ...]) -> None:
        self._conditions = conditions
        self._images = self._shown = self._steps = 0
        self._losses: dict[str, Tensor] = {}
        self._right: dict[int, list[Tensor]] = defaultdict(list)

    def add(
        self, batch: Batch | PairBatch, terms: Mapping[str, Tensor], total: Tensor, outputs: list[ModelOutput]
    ) -> None:
        count = len(batch)
        self._images += count
        self._shown += sum(len(output.logits) for output in outputs)
        self._steps += 1
        for name, value in {**terms, "total": total}.items():
            self._losses[name] = self._losses.get(name, torch.zeros_like(value.detach())) + value.detach() * count
        joined = batch.joined() if isinstance(batch, PairBatch) else batch
        # Only a pass over the whole batch can be held against its labels.
        if len(outputs) == 1 and len(outputs[0].logits) == len(joined):
            right = (outputs[0].logits.detach().argmax(1) == joined.labels).float()
            for index in range(len(self._conditions)):
                self._right[index].append(right[joined.condition == index])

    def report(
        self, epoch: int, rates: Mapping[str, float], gradients: Mapping[str, float], seconds: float
    ) -> EpochReport:
        losses = {name: float(value) / max(1, self._images) for name, value in self._losses.items()}
        joined = {self._conditions[index]: torch.cat(parts) for index, parts in self._right.items()}
        accuracy = {word: float(right.mean()) for word, right in joined.items() if len(right)}
        return EpochReport(
            epoch, losses, gradients, accuracy, dict(rates), seconds, self._images, self._shown, self._steps
        )
