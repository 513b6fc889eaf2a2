"""What is asked of a loss, on small models of known behaviour: its terms, gradients, randomness, teacher and head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from msde_toolkit.errors import InputError
from msde_toolkit.testing.checks import Broken, Checklist, in_one_line, require, skip
from msde_toolkit.testing.loss_under_test import LossUnderTest
from msde_toolkit.testing.plugin import PluginUnderTest
from msde_toolkit.testing.reference import CLASSES, FEATURES, SeveralClassifiers
from msde_toolkit.testing.report import Finding
from msde_toolkit.types import Batch, LossTerms, PairBatch

LOSS: Checklist[LossUnderTest] = Checklist()
ROUNDING = 1e-5
"""Largest difference between the total and the sum of its terms, as a share of the total."""
STEPS = 20
"""Optimiser steps in which the total, and each term minimised alone, must fall."""


def ask(plugin: PluginUnderTest) -> Iterator[Finding]:
    """All findings about a loss."""
    yield from LOSS.ask(LossUnderTest(plugin))


@LOSS.check(
    "a step on what it asks for",
    remedy="step returns LossTerms(total, terms), finite scalars; without needs_pairs, on samples and on pairs alike.",
)
def steps_on_its_batches(loss: LossUnderTest) -> str:
    """Pairs where it needs pairs, else samples as well as pairs."""
    told = []
    for batch in loss.batches():
        terms = loss.trial().step(batch)
        what = "pairs" if isinstance(batch, PairBatch) else "samples"
        _check_terms(terms, what)
        told.append(f"{what}: {', '.join(terms.terms)}")
    return "; ".join(told)


def _check_terms(terms: LossTerms, what: str) -> None:
    require(isinstance(terms, LossTerms), f"step returns a {type(terms).__name__}, no LossTerms")
    require(terms.terms, "it has no terms")
    require(terms.total.requires_grad, f"on {what}, the total cannot be differentiated")
    for name, value in {"total": terms.total, **terms.terms}.items():
        require(value.ndim == 0, f"on {what}, {name} is no scalar but {list(value.shape)}")
        require(bool(torch.isfinite(value)), f"on {what}, {name} is {float(value.detach())}")


@LOSS.check("terms add up to the total", remedy="Return LossTerms.summed(terms), each term already weighted.")
def terms_add_up(loss: LossUnderTest) -> None:
    """What the history shows is what was minimised."""
    for batch in loss.batches():
        terms = loss.trial().step(batch)
        total, parts = float(terms.total.detach()), sum(float(value.detach()) for value in terms.terms.values())
        require(abs(total - parts) <= ROUNDING * max(1.0, abs(total)), f"the terms add up to {parts:g}, not {total:g}")


@LOSS.check("gradient reaches the backbone", remedy="Compute the terms from forward's output, without detach().")
def gradient_reaches_the_backbone(loss: LossUnderTest) -> None:
    """Every parameter of the backbone."""
    trial = loss.trial()
    trial.step(loss.batch).total.backward()  # type: ignore[no-untyped-call]
    missed = [name for name, value in trial.model.backbone.named_parameters() if not _has_gradient(value)]
    require(not missed, f"none comes to backbone.{', backbone.'.join(missed[:3])}")


def _has_gradient(value: Any) -> bool:
    return value.grad is not None and bool(value.grad.any())


@LOSS.check(
    "every classifier of the model is trained",
    remedy="Take the classification terms from model.classification_loss: models with more classifiers override it.",
)
def several_classifiers(loss: LossUnderTest) -> str:
    """A model whose ``classification_loss`` has two terms, the second of a classifier in ``extras``."""
    trial = loss.trial(SeveralClassifiers)
    try:
        terms = trial.step(loss.batch)
    except InputError as error:
        return f"refused: {in_one_line(error)}"
    _check_terms(terms, "a model with two classifiers")
    terms.total.backward()  # type: ignore[no-untyped-call]
    for name in ("head", "second"):
        weight = trial.model.get_submodule(name).weight
        require(_has_gradient(weight), f"no gradient comes to the model's {name} classifier")
    return ", ".join(terms.terms)


@LOSS.check(
    "the criterion gets its own rows",
    remedy="Use context.criterion(batch) of the very batch (the half, the joined one) whose logits it is called with.",
)
def criterion_gets_its_rows(loss: LossUnderTest) -> str:
    """The run's cross entropy is used, with as many sample weights as logits."""
    calls = 0
    for batch in loss.batches():
        trial = loss.trial()
        trial.step(batch)
        require(trial.criterion_calls, "it never calls the run's criterion: class weights and smoothing do nothing")
        for weights, rows in trial.criterion_calls:
            require(weights == rows, f"it was called with {rows} rows and the weights of {weights} samples")
        calls += len(trial.criterion_calls)
    return f"{calls} calls"


@LOSS.check(
    "the model is called by forward alone",
    remedy="Call forward(images): it normalises, and is the wrapped call where training is distributed.",
)
def calls_forward_only(loss: LossUnderTest) -> str:
    """The model itself is never called, and the batch's images stay as they are."""
    counts = []
    for batch in loss.batches():
        trial = loss.trial()
        images = [part.images.clone() for part in _parts(batch)]
        trial.step(batch)
        require(not trial.direct_calls, "it calls the model itself, on images that are not normalised")
        require(trial.forward_calls, "it never calls forward")
        same = all(torch.equal(before, part.images) for before, part in zip(images, _parts(batch), strict=True))
        require(same, "it changes the batch's images in place")
        counts.append(trial.forward_calls)
    return f"{' and '.join(map(str, counts))} passes a step"


def _parts(batch: Batch | PairBatch) -> tuple[Batch, ...]:
    return (batch.nm, batch.m) if isinstance(batch, PairBatch) else (batch,)


@LOSS.check(
    "same seed, same loss",
    remedy="Draw by context.uniform(name, ids, device): a function of seed, epoch and sample, whatever ran before.",
)
def seeded(loss: LossUnderTest) -> None:
    """The loss does not depend on torch's, numpy's or Python's global generators."""
    totals = []
    for seed in (0, 1):
        trial = loss.trial()
        trial.evaluate_only()
        torch.manual_seed(seed)
        totals.append(float(trial.step(loss.batch).total.detach()))
    require(totals[0] == totals[1], f"one seed of the run gives {totals[0]:.9g} and {totals[1]:.9g}")


@LOSS.check(
    "steps lower the total", remedy="Check the signs of the terms: the engine minimises their sum by gradient descent."
)
def total_falls(loss: LossUnderTest) -> str:
    """A few optimiser steps on one batch."""
    before, after = loss.trial().descend(loss.batch, STEPS)
    require(after < before, f"{STEPS} steps take it from {before:.4g} to {after:.4g}")
    return f"{before:.3g} to {after:.3g} in {STEPS} steps"


@LOSS.check(
    "each term falls when it alone is minimised",
    remedy="A term must depend on the model by a path that gradients can go, and enter the total with its own sign.",
)
def each_term_falls(loss: LossUnderTest) -> str:
    """A term that is zero already (a hinge, a weight of zero) is left out."""
    told = []
    for name in loss.trial().step(loss.batch).terms:
        trial = loss.trial()
        first = trial.step(loss.batch).terms[name]
        if float(first.detach()) == 0.0:
            told.append(f"{name} is 0")
            continue
        require(first.requires_grad, f"{name} has no gradient: it is counted and does nothing")
        before, after = trial.descend(loss.batch, STEPS, name)
        require(after < before, f"{name}: {STEPS} steps take it from {before:.4g} to {after:.4g}")
        told.append(f"{name} {before:.2g} to {after:.2g}")
    return ", ".join(told)


@LOSS.check(
    "the teacher stays as it is",
    remedy="Ask context.teacher(images) where the class says needs_teacher, and train nothing but the student.",
)
def teacher_stays(loss: LossUnderTest) -> str:
    """It is asked, gets no gradient and keeps its batch-norm statistics."""
    if not loss.needs_teacher:
        skip("it needs none")
    trial = loss.trial()
    before = {name: value.clone() for name, value in trial.teacher.state_dict().items()}
    trial.step(loss.batch).total.backward()  # type: ignore[no-untyped-call]
    require(trial.teacher_calls, "needs_teacher is set, and the teacher is never asked")
    require(all(value.grad is None for value in trial.teacher.parameters()), "the teacher gets a gradient")
    changed = [name for name, value in trial.teacher.state_dict().items() if not torch.equal(value, before[name])]
    require(not changed, f"a step changes the teacher's {', '.join(changed[:3])}")
    return f"asked {trial.teacher_calls} times a step"


@LOSS.check(
    "its own head is trained",
    remedy="make_head(features, classes) returns a module made for F features, and step uses it as context.head.",
)
def head_is_trained(loss: LossUnderTest) -> str:
    """Every trainable parameter of what ``make_head`` made gets a gradient."""
    trial = loss.trial()
    if trial.head is None:
        skip("make_head makes none")
    require(isinstance(trial.head, nn.Module), f"make_head returns a {type(trial.head).__name__}")
    trial.step(loss.batch).total.backward()  # type: ignore[no-untyped-call]
    trainable = [(name, value) for name, value in trial.head.named_parameters() if value.requires_grad]
    missed = [name for name, value in trainable if not _has_gradient(value)]
    require(not missed, f"no gradient comes to {', '.join(missed[:3])}")
    return f"{sum(value.numel() for _, value in trainable):,} numbers for {FEATURES} features, {CLASSES} classes"


@LOSS.check("notes are lines of text", remedy="notes(output) returns strings, each of one line.")
def notes_are_text(loss: LossUnderTest) -> str:
    """What the summary will show."""
    notes = loss.notes()
    if isinstance(notes, str) or not all(isinstance(note, str) and "\n" not in note for note in notes):
        message = f"notes returns {notes!r}"
        raise Broken(message)
    return "; ".join(notes) or "none"
