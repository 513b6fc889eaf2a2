"""A loss with a model, a teacher and a head around it, as the engine would have them, and what it does to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from msde_toolkit.create import create_loss
from msde_toolkit.interfaces import Criterion, LossContext
from msde_toolkit.testing.plugin import PluginUnderTest
from msde_toolkit.testing.reference import CLASSES, FEATURES, ReferenceModel, batch, pairs
from msde_toolkit.types import Batch, LossTerms, ModelOutput, PairBatch


@dataclass(frozen=True)
class LossUnderTest:
    """A loss plugin with the options of the preset ``quick``."""

    plugin: PluginUnderTest

    @property
    def needs_teacher(self) -> bool:
        """Whether the engine hands it a teacher."""
        return bool(self.plugin.cls.needs_teacher)

    def batches(self) -> tuple[Batch | PairBatch, ...]:
        """Everything it says it takes."""
        return (pairs(),) if self.plugin.cls.needs_pairs else (batch(8), pairs())

    @property
    def batch(self) -> Batch | PairBatch:
        """What most checks use: pairs, which every loss takes."""
        return pairs()

    def trial(self, model: type[ReferenceModel] = ReferenceModel) -> Trial:
        """The loss around a fresh model, the same at every call."""
        return Trial(self.plugin, model)

    def notes(self) -> Any:
        """What it tells the reader of a run of the reference model."""
        model = ReferenceModel().eval()
        with torch.no_grad():
            output = model(model.input_spec.normalise(batch(2).images))
        return create_loss(self.plugin.name, self.plugin.options).notes(output)


@dataclass
class Trial:
    """One loss, model, teacher and head, and how often each was called.

    Attributes:
        criterion_calls: sample weights and logits that met, by number of rows.
        forward_calls: passes by ``forward``.
        direct_calls: passes past it.
    """

    plugin: PluginUnderTest
    model_class: type[ReferenceModel]
    criterion_calls: list[tuple[int, int]] = field(default_factory=list)
    forward_calls: int = 0
    direct_calls: int = 0
    teacher_calls: int = 0

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        self.loss = create_loss(self.plugin.name, self.plugin.options)
        self.model = self.model_class(CLASSES)
        self.teacher = self.model_class(CLASSES).requires_grad_(False).eval()
        self.head: nn.Module | None = self.loss.make_head(FEATURES, CLASSES)
        self._inside_forward = False
        self.model.register_forward_pre_hook(self._notice)

    def step(self, images: Batch | PairBatch) -> LossTerms:
        """One step of the loss, at the first epoch of a run of ten."""
        context = LossContext(
            epoch=0,
            epochs=10,
            classes=CLASSES,
            criterion_for=self._criterion_for,
            seed=(0, 0, "00", 0),
            teacher=self._ask_teacher if self.plugin.cls.needs_teacher else None,
            head=self.head,
        )
        return self.loss.step(self.model, self._forward, images, context)

    def evaluate_only(self) -> None:
        """Model and head in evaluation mode, where they draw nothing."""
        for module in self._modules():
            module.eval()

    def descend(self, images: Batch | PairBatch, steps: int, term: str = "") -> tuple[float, float]:
        """The total (or one term) before and after so many steps of Adam on it."""

        def value() -> Tensor:
            terms = self.step(images)
            return terms.terms[term] if term else terms.total

        parameters = [parameter for module in self._modules() for parameter in module.parameters()]
        optimizer = torch.optim.Adam(parameters, 0.01)
        before = value()
        for _ in range(steps):
            optimizer.zero_grad()
            value().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return float(before.detach()), float(value().detach())

    def _modules(self) -> Sequence[nn.Module]:
        return [self.model] if self.head is None else [self.model, self.head]

    def _notice(self, _module: nn.Module, _inputs: Any) -> None:
        self.direct_calls += not self._inside_forward

    def _forward(self, images: Tensor) -> ModelOutput:
        self.forward_calls += 1
        self._inside_forward = True
        try:
            output: ModelOutput = self.model(self.model.input_spec.normalise(images))
        finally:
            self._inside_forward = False
        return output

    @torch.no_grad()
    def _ask_teacher(self, images: Tensor) -> ModelOutput:
        self.teacher_calls += 1
        output: ModelOutput = self.teacher(self.teacher.input_spec.normalise(images))
        return output

    def _criterion_for(self, weight: Tensor) -> Criterion:
        def criterion(logits: Tensor, targets: Tensor) -> Tensor:
            self.criterion_calls.append((len(weight), len(logits)))
            each = F.cross_entropy(logits, targets, reduction="none")
            return (each * weight).sum() / weight.sum() if len(weight) == len(logits) else each.mean()

        return criterion
