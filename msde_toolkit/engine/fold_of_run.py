"""Which model of an earlier run a fold may start from, or be taught by, without having seen its own test subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from msde_toolkit.data.folds import Fold
from msde_toolkit.data.subject_rows import same_people
from msde_toolkit.engine.config import RunConfig
from msde_toolkit.engine.settings import Settings
from msde_toolkit.engine.train_options import TrainOptions
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Loss
from msde_toolkit.registry import Registry
from msde_toolkit.results.open_run import OpenRun, open_run
from msde_toolkit.types import Manifest

PREFIX = "run:"
AUTO = "auto"
"""``--teacher auto``: the engine trains one."""


def opened(spec: str, option: str) -> OpenRun:
    """The finished run that ``run:DIR`` (or, for a teacher, ``DIR``) names.

    Raises:
        InputError: naming the option; no folder, not a run, or not a finished one.
    """
    if spec == PREFIX:
        message = f"{option} {spec}: which run? Give its folder: {option} run:DIR."
        raise InputError(message)
    try:
        return open_run(spec.removeprefix(PREFIX))
    except InputError as error:
        message = f"{option} {spec}: {error}"
        raise InputError(message) from error


def folds_of(run: OpenRun, manifest: Manifest, folds: Sequence[Fold], option: str) -> dict[str, str]:
    """For each fold by name, the fold of ``run`` whose models may be used for it.

    On another dataset any fold may: the one of the same name, else the first. Where subjects could be the same people,
    only a fold that held out everyone whom the fold tests (and whom the run knows at all).

    Raises:
        InputError: if every model of the run has seen a subject that a fold tests.
    """
    names = [str(name) for name in run.summary["folds"]]
    if not same_people(run.manifest.name, manifest.name):
        return {fold.name: fold.name if fold.name in names else names[0] for fold in folds}
    who, known, held_out = people(manifest), set(people(run.manifest)), held_out_by(run)
    return {fold.name: _that_held_out(set(who[fold.test]) & known, held_out, fold.name, run, option) for fold in folds}


def _that_held_out(tested: set[str], held_out: Mapping[str, set[str]], fold: str, run: OpenRun, option: str) -> str:
    for name in sorted(held_out, key=lambda name: name != fold):
        if tested <= held_out[name]:
            return name
    message = (
        f"{option}: every model of run {run.name} was trained on subjects that fold {fold} tests.\n"
        f"Use its folds: --folds {run.directory / 'folds.json'}, or a run on other data."
    )
    raise InputError(message)


def people(manifest: Manifest) -> npt.NDArray[np.object_]:
    """``[n]`` who may be the same person within a dataset: subject, else pair, else the sample.

    A sample and its masked copies are one, whether the copies are in the manifest or not: they are a pair by its id.
    """
    groups = (str(group) for group in manifest.groups())
    return np.array([group.removeprefix("pair:").removeprefix("id:") for group in groups], dtype=object)


def held_out_by(run: OpenRun) -> dict[str, set[str]]:
    """Whom the models of each fold have not been trained on."""
    known = dict(zip(run.manifest.ids, people(run.manifest), strict=True))
    predictions = run.predictions
    return {
        str(name): {known[sample] for sample in predictions.loc[predictions["fold"] == name, "id"]}
        for name in run.summary["folds"]
    }


def check_teacher(
    config: RunConfig, settings: Settings, manifest: Manifest, folds: Sequence[Fold], features: int
) -> tuple[str, ...]:
    """Whether the teacher that was named can teach these folds, before anything is trained; what to know of it.

    Raises:
        InputError: a teacher, or options of one, for a loss that has none, or for a frozen model; a run that cannot
            teach these folds, or whose features are of another number.
    """
    loss = settings.loss
    _check_switches(config, loss, settings.train)
    if config.teacher == AUTO:
        return ()
    if not loss.needs_teacher:
        message = f"--teacher {config.teacher}: --loss {config.loss} has no teacher; leave --teacher out."
        raise InputError(message)
    if Registry("models").get(config.model).frozen:
        message = (
            f"--teacher {config.teacher}: --model {config.model} learns from stored features, which are no images for "
            "the models of another run; use --teacher auto."
        )
        raise InputError(message)
    run = opened(config.teacher, "--teacher")
    for name in folds_of(run, manifest, folds, f"--teacher {config.teacher}").values():
        model = run.model(name).cpu()
        image = torch.full((2, 3, run.image_size, run.image_size), 0.5)
        with torch.no_grad():
            found = model(model.input_spec.normalise(image)).features.shape[1]
        if found != features:
            message = f"--teacher {config.teacher}: its model has {found} features, --model {config.model} {features}."
            raise InputError(message)
    notes = []
    if (seen := run.summary.get("train_on")) != "nm":
        notes.append(f"the teacher (run {run.name}) was trained on {seen}, the paper's on unmasked images alone")
    if run.summary.get("unsound"):
        notes.append(f"the teacher (run {run.name}) comes from a run that is marked unsound")
    return (*notes, *(f"TAINTED, the teacher (run {run.name}): {who}" for who in run.tainted))


def _check_switches(config: RunConfig, loss: Loss, train: TrainOptions) -> None:
    """The released code's ways with teachers: only for a loss that has one, and from weights that fit."""
    for option, wanted in (
        ("shared_teacher", train.shared_teacher),
        ("student_from_scratch", train.student_from_scratch),
    ):
        if wanted and not loss.needs_teacher:
            message = f"train.{option}: --loss {config.loss} has no teacher; leave it out."
            raise InputError(message)
    if train.shared_teacher and config.weights.startswith(PREFIX):
        message = (
            f"--weights {config.weights}: one teacher for all folds (train.shared_teacher) cannot start from a run, "
            "whose models belong to its folds; give a file, or leave one of the two out."
        )
        raise InputError(message)


def repeat_of(run: OpenRun, repeat: int) -> int:
    """The same repeat where the run has it, else its first."""
    return repeat if repeat < run.repeats else 0
