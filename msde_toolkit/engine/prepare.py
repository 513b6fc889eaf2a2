"""From a configuration to everything a run needs, checked before a single file is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from msde_toolkit.create import create_model
from msde_toolkit.data.batches import Rows
from msde_toolkit.data.faces.prepared import recipe_notes
from msde_toolkit.data.folds import Fold, Folds, inner_split, load_folds, make_folds, released_folds
from msde_toolkit.data.image_cache import CachedImages, Progress, load_images
from msde_toolkit.data.source import Source, open_source
from msde_toolkit.data.usable import leave_out_unreadable
from msde_toolkit.engine.composition import Composition, compose
from msde_toolkit.engine.config import RunConfig
from msde_toolkit.engine.device import Compute, choose_device, choose_precision
from msde_toolkit.engine.fold_of_run import check_teacher
from msde_toolkit.engine.settings import Settings, resolve
from msde_toolkit.engine.starting_weights import StartingWeights, starting_weights
from msde_toolkit.engine.train_options import PRESETS, TrainOptions, within_budget
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Dataset, Loss, Model
from msde_toolkit.randomness import torch_seed
from msde_toolkit.registry import PluginInfo, Registry
from msde_toolkit.types import Manifest


@dataclass(frozen=True)
class Prepared:
    """A run that can start.

    Attributes:
        config: as the user gave it.
        settings: its options, resolved.
        train: how each fold is trained, the budget applied.
        source: dataset and manifest.
        folds: who is held out when.
        train_on: "nm", "m", "mix" or "pairs".
        compute: device and precision.
        images: decoded once.
        parameters: of the model, trainable and total.
        features: F of the model's features ``[B, F]``.
        weights: what the models start from.
        plugins: every plugin used, by role.
        notes: what the reader of the results must know.
    """

    config: RunConfig
    settings: Settings
    train: TrainOptions
    source: Source
    folds: Folds
    train_on: str
    compute: Compute
    images: CachedImages
    parameters: Mapping[str, int]
    features: int
    weights: StartingWeights
    plugins: Mapping[str, PluginInfo]
    notes: tuple[str, ...]

    @property
    def manifest(self) -> Manifest:
        """The run's samples."""
        return self.source.manifest

    @property
    def loss(self) -> Loss:
        """The training paradigm."""
        return self.settings.loss

    def new_model(self, fold: str, repeat: int) -> Model:
        """A fresh model for a fold: its starting weights, and random ones for the rest.

        A frozen backbone is the same in every fold and repeat, so that its features are computed once.
        """
        seed: tuple[str | int, ...] = (self.config.seed, repeat, fold)
        frozen = Registry("models").get(self.config.model).frozen
        torch.manual_seed(torch_seed(self.config.seed, "frozen") if frozen else torch_seed(*seed, "init"))
        model = create_model(self.config.model, classes=len(self.manifest.classes), options=self.settings.model)
        if not (self.loss.needs_teacher and self.train.student_from_scratch):
            self.weights.load(model, fold, repeat)
        return model


def prepare(config: RunConfig, progress: Progress | None = None) -> Prepared:
    """Check everything and decode the images.

    Raises:
        InputError: whatever is wrong with the configuration or the data, in one or two lines.
    """
    compute = choose_device(config.device)
    plugins = _plugins(config)
    settings = resolve(config)
    dataset: type[Dataset] = Registry("datasets").get(config.data)
    source = open_data(config, progress)
    folds = _folds(config, settings, source.manifest)
    train_on = trains_on(config, settings.loss, source.manifest)
    model = create_model(config.model, classes=len(source.manifest.classes), options=settings.model)
    images_an_epoch = _images_an_epoch(config, settings, source.manifest, folds, train_on)
    # A budget is of images that go through a whole network; a head on stored features takes next to no time.
    train = settings.train if model.frozen else within_budget(settings.train, images_an_epoch)
    _check_model(model, train, config.model)
    names = (config.model, config.loss)
    composition = compose(model, settings.loss, train.image_size, train_on == "pairs", names)
    weights = starting_weights(config.weights, model, source.manifest, folds.folds, config.repeats)
    taught = check_teacher(config, settings, source.manifest, folds.folds, composition.features)
    told = _told(settings, composition, weights, model)
    notes = (*_notes(config, train, folds, source, model, dataset), *told, *taught)
    images = load_images(source.dataset, source.manifest, train.image_size, progress)
    return Prepared(
        config=config,
        settings=settings,
        train=train,
        source=source,
        folds=folds,
        train_on=train_on,
        compute=choose_precision(config.precision, compute),
        images=images,
        parameters=_count(model),
        features=composition.features,
        weights=weights,
        plugins=plugins,
        notes=notes,
    )


def open_data(config: RunConfig, progress: Progress | None = None) -> Source:
    """The run's dataset and its samples. A preset may choose fewer of them only where they are drawn.

    Raises:
        InputError: as ``open_source``.
    """
    dataset: type[Dataset] = Registry("datasets").get(config.data)
    cut = dataset.presets.get(config.preset, {}) if dataset.synthetic else {}
    options = {**cut, **config.set_data}
    source = open_source(
        config.data, config.root, options, mask=config.mask, mask_options=config.set_mask, seed=config.seed
    )
    return leave_out_unreadable(source, progress) if source.options.get("on_bad") == "skip" else source


def divide(config: RunConfig, select: str, manifest: Manifest, fold: Fold, repeat: int) -> tuple[Fold, Rows]:
    """The fold to fit on, and the rows that choose the epoch.

    None for ``last``, those of inner validation subjects for ``inner``. ``test`` repeats a mistake of released code:
    the fold's own test rows.

    Raises:
        InputError: if there are too few training subjects to keep some back.
    """
    if select == "last":
        return fold, np.empty(0, dtype=np.int64)
    if select == "test":
        return fold, fold.test
    seed = torch_seed(config.seed, repeat, fold.name, "inner")
    fit, validation = inner_split(manifest, fold.train, seed)
    return Fold(fold.name, fit, fold.test), validation


def _images_an_epoch(config: RunConfig, settings: Settings, manifest: Manifest, folds: Folds, train_on: str) -> int:
    """Training images of all folds together. Every fold of every repeat is asked, so that none fails half-way."""
    fits = [
        divide(config, settings.select, manifest, fold, repeat)[0]
        for repeat in range(config.repeats)
        for fold in folds.folds
    ]
    return sum(training_rows(manifest, fit, train_on).size for fit in fits) // config.repeats


def training_rows(manifest: Manifest, fold: Fold, train_on: str) -> Rows:
    """Row numbers ``[n]`` of the fold's training samples, or ``[n, 2]`` of its training pairs.

    Raises:
        InputError: if there is none, or a single image.
    """
    if train_on == "pairs":
        pairs = manifest.pairs()[["nm", "m"]].to_numpy(dtype=np.int64)
        rows: Rows = pairs[np.isin(pairs, fold.train).all(axis=1)]
    elif train_on == "mix":
        rows = fold.train
    else:
        rows = fold.train[(manifest.frame["condition"] == train_on).to_numpy()[fold.train]]
    if rows.size == 1:
        message = f"{manifest.name}: fold {fold.name} has a single image to train on; at least two are needed."
        raise InputError(message)
    if len(rows) == 0:
        there = ", ".join(manifest.conditions)
        hint = " Make them with --mask surgical." if train_on == "pairs" else ""
        wanted = (
            "pairs of an unmasked and a masked image" if train_on == "pairs" else f"images of condition {train_on!r}"
        )
        message = f"--train-on {train_on}: {manifest.name} has no {wanted} to train on (conditions: {there}).{hint}"
        raise InputError(message)
    return rows


def _plugins(config: RunConfig) -> dict[str, PluginInfo]:
    used = {
        "model": Registry("models").info(config.model),
        "loss": Registry("losses").info(config.loss),
        "data": Registry("datasets").info(config.data),
    }
    if config.mask is not None:
        used["mask"] = Registry("maskers").info(config.mask)
    return used


def _folds(config: RunConfig, settings: Settings, manifest: Manifest) -> Folds:
    if settings.train.released_folds:
        if isinstance(config.folds, Path):
            message = f"--folds {config.folds}: train.released_folds makes folds of its own; leave one of them out."
            raise InputError(message)
        return released_folds(manifest, config.folds, PRESETS[config.preset].folds)
    if isinstance(config.folds, Path):
        return load_folds(config.folds, manifest)
    return make_folds(manifest, config.folds, config.seed, PRESETS[config.preset].folds)


def trains_on(config: RunConfig, loss: Loss, manifest: Manifest) -> str:
    """Which images a run trains on: "nm", "m", "mix" or "pairs".

    Raises:
        InputError: if the loss needs pairs and other images are asked for.
    """
    if loss.needs_pairs and config.train_on not in (None, "pairs"):
        message = f"--loss {config.loss} needs pairs: use --train-on pairs (or leave it out), not {config.train_on}."
        raise InputError(message)
    if loss.needs_pairs:
        return "pairs"
    if config.train_on not in (None, "mix"):
        return str(config.train_on)
    # A mix of one condition is that condition, and must not be reported as more.
    return "mix" if len(manifest.conditions) > 1 else manifest.conditions[0]


def _check_model(model: Model, train: TrainOptions, name: str) -> None:
    if train.image_size < model.smallest_input:
        needed = model.smallest_input
        message = (
            f"train.image_size = {train.image_size}: {name} needs at least {needed} pixels: "
            f"--set train.image_size={needed}."
        )
        raise InputError(message)


def _count(model: Model) -> dict[str, int]:
    return {
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "total": sum(p.numel() for p in model.parameters()),
    }


def _notes(
    config: RunConfig, train: TrainOptions, folds: Folds, source: Source, model: Model, dataset: type[Dataset]
) -> tuple[str, ...]:
    notes = [*source.manifest.notes, *recipe_notes(source.manifest)]
    preset = PRESETS[config.preset]
    if preset.caution:
        paper = TrainOptions()
        epochs = f"{train.epochs} epoch{'' if train.epochs == 1 else 's'}"
        cuts = [f"{epochs} (paper {paper.epochs})", f"{train.image_size} px (paper {paper.image_size})"]
        if folds.source == "assigned":
            cuts.append(f"{len(folds.folds)} folds (paper {PRESETS['paper'].folds})")
        used = model.options.model_dump(mode="json")
        cuts += [f"{key} {used[key]}" for key in model.presets.get(config.preset, {})]
        if dataset.synthetic:
            cuts += [f"{key} {source.options[key]}" for key in dataset.presets.get(config.preset, {})]
        notes.append(f"preset {config.preset}, {preset.caution}: {', '.join(cuts)}")
    if folds.unit == "sample":
        notes.append("subjects are unknown: identities may be on both sides of a fold")
    if folds.shared:
        notes.append(f"{folds.shared} {folds.unit}s are on both sides of the dataset's own split")
    return tuple(notes)


def _told(settings: Settings, composition: Composition, weights: StartingWeights, model: Model) -> tuple[str, ...]:
    """What profile, loss, weights and model add to a run's notes."""
    notes = [f"UNSOUND, no evidence: {reason}" for reason in settings.unsound]
    if settings.switches:
        notes.append(f"as the released code: {', '.join(switch.key for switch in settings.switches)}")
    if settings.overruled:
        keys = ", ".join(switch.key for switch in settings.overruled)
        notes.append(f"not as the released code, because preset or options say otherwise: {keys}")
    if model.frozen:
        notes.append("the backbone is frozen: its features come once from unchanged images, without augmentation")
    if settings.loss.needs_teacher and settings.train.student_from_scratch and weights.files:
        notes.append("the student starts from random weights, only its teacher from those given")
    return (*notes, *composition.notes, *weights.notes)
