"""What counts in the end: the command line over a preset, over a profile, over the plugins' defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msde_toolkit.create import create_loss, parse_options
from msde_toolkit.engine import released_code
from msde_toolkit.engine.config import RunConfig
from msde_toolkit.engine.train_options import PRESETS, TrainOptions
from msde_toolkit.errors import PluginError
from msde_toolkit.interfaces import Loss, Model, Switch
from msde_toolkit.options import validated
from msde_toolkit.registry import Registry

SELECT = "select"
"""The one key of a switch without a role: which epoch is kept."""


@dataclass(frozen=True)
class Settings:
    """A run's options, resolved.

    Attributes:
        model: options of the model, JSON-ready.
        loss: the training paradigm with its options.
        train: how each fold is trained, before a budget cuts epochs.
        select: which epoch is kept: "last", "inner" or "test".
        switches: what the profile changed and nothing overruled.
        overruled: what the profile would have changed, had the preset or the user not set it otherwise.
        unsound: why the numbers are no evidence, one reason each; empty where they are.
    """

    model: Mapping[str, Any]
    loss: Loss
    train: TrainOptions
    select: str
    switches: tuple[Switch, ...]
    overruled: tuple[Switch, ...]
    unsound: tuple[str, ...]


def resolve(config: RunConfig) -> Settings:
    """Settings of a configuration.

    Raises:
        InputError: unknown option or a value that does not fit.
        PluginError: unknown plugin, or a switch of a plugin's that sets what is not there.
    """
    model_class: type[Model] = Registry("models").get(config.model)
    loss_class: type[Loss] = Registry("losses").get(config.loss)
    wanted = switches_of(config.profile, model_class, loss_class)
    by_role = _by_role(wanted)
    preset = config.preset
    model = parse_options(
        model_class,
        {**by_role["model"], **model_class.presets.get(preset, {}), **config.set_model},
        "model",
        config.model,
    )
    loss = create_loss(config.loss, {**by_role["loss"], **loss_class.presets.get(preset, {}), **config.set_loss})
    train = validated(TrainOptions, {**by_role["train"], **_preset_values(config), **config.set_train}, "train.")
    select = config.select or by_role[SELECT].get(SELECT, "last")
    effective = {"model": model, "loss": loss.options, "train": train}

    def holds(switch: Switch) -> bool:
        role, _, key = switch.key.partition(".")
        return bool((select if role == SELECT else getattr(effective[role], key)) == switch.value)

    return Settings(
        model=model.model_dump(mode="json"),
        loss=loss,
        train=train,
        select=select,
        switches=tuple(switch for switch in wanted if holds(switch)),
        overruled=tuple(switch for switch in wanted if not holds(switch)),
        unsound=tuple(
            f"{switch.key} = {_told(switch.value)}: {switch.unsound}"
            for switch in switches_of("code", model_class, loss_class)
            if switch.unsound and holds(switch)
        ),
    )


def switches_of(profile: str, model: type[Model], loss: type[Loss]) -> tuple[Switch, ...]:
    """Everything that a profile changes for a run of these two plugins."""
    teacher = released_code.TEACHER_SWITCHES.get(profile, ()) if loss.needs_teacher else ()
    common = released_code.SWITCHES.get(profile, ())
    return (*common, *teacher, *model.profiles.get(profile, ()), *loss.profiles.get(profile, ()))


def _by_role(switches: tuple[Switch, ...]) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {role: {} for role in ("model", "loss", "train", SELECT)}
    for switch in switches:
        role, dot, key = switch.key.partition(".")
        if role not in values or (bool(dot) is (role == SELECT)):
            message = f"A profile's switch sets {switch.key!r}; it may set model., loss. or train. options."
            raise PluginError(message)
        values[role][key or SELECT] = switch.value
    return values


def _preset_values(config: RunConfig) -> dict[str, Any]:
    """The preset's training values. Its budget would cut epochs, so it does not count where the user names epochs."""
    values = dict(PRESETS[config.preset].train)
    if "epochs" in config.set_train:
        values.pop("image_budget", None)
    return values


def _told(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
