"""What is asked of every plugin: what it says of itself, its options, presets and profiles, what its import costs."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from msde_toolkit.create import parse_options
from msde_toolkit.engine.train_options import TrainOptions
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Plugin, PluginOptions, Switch
from msde_toolkit.options import validated
from msde_toolkit.registry import PluginInfo
from msde_toolkit.testing.checks import Broken, Checklist, require, skip
from msde_toolkit.testing.import_weight import LIMIT_SECONDS, import_weight

ROLES = {
    "model": "model",
    "loss": "loss",
    "dataset": "data",
    "masker": "mask",
    "landmarker": "faces",
    "analysis": "analysis",
}
"""What the keys of ``--set`` carry, by kind."""
PRESETS = ("quick", "paper")
PROFILES = ("paper", "code")
SUMMARY_LENGTH = 100


@dataclass(frozen=True)
class PluginUnderTest:
    """A plugin that could be imported."""

    name: str
    kind: str
    cls: Any
    info: PluginInfo
    root: Path | None

    @property
    def role(self) -> str:
        """What its ``--set`` keys carry."""
        return ROLES[self.kind]

    def parsed(self, values: Mapping[str, Any]) -> PluginOptions:
        """Options as the command line would make them.

        Raises:
            InputError: as ``parse_options``.
        """
        return parse_options(self.cls, values, self.role, self.name)

    @cached_property
    def options(self) -> PluginOptions:
        """What the kind's checks use: the defaults, with what the preset ``quick`` changes."""
        return self.parsed(dict(self.cls.presets.get("quick", {})))

    @property
    def can_be_made(self) -> bool:
        """Whether its options hold, without which nothing else can be asked."""
        try:
            return isinstance(self.options, PluginOptions)
        except (InputError, TypeError, AttributeError):
            return False


ANY: Checklist[PluginUnderTest] = Checklist()
DECLARED: Checklist[PluginUnderTest] = Checklist()
"""Of all kinds but the listener, which is no subclass of ``Plugin``."""


@ANY.check(
    "import is light",
    remedy="Import what is heavy inside the function that uses it: the module is loaded when its name is used.",
)
def import_is_light(plugin: PluginUnderTest) -> str:
    """Measured in a process of its own, after torch and the toolkit's interfaces."""
    weight = import_weight(plugin.info)
    also = f"; it imports {', '.join(weight.heavy)}" if weight.heavy else ""
    told = f"{weight.seconds:.2f} s of processor time beyond torch{also}"
    require(weight.seconds <= LIMIT_SECONDS, f"{told} (limit {LIMIT_SECONDS:g} s)")
    return told


@DECLARED.check(
    "it describes itself",
    remedy='Set summary (one line), reference (paper and section, or "own work") and licence on the class.',
)
def describes_itself(plugin: PluginUnderTest) -> str:
    """Summary, reference and licence, as ``msde list`` shows them."""
    cls: type[Plugin] = plugin.cls
    lacking = [word for word in ("summary", "reference") if not str(getattr(cls, word)).strip()]
    if cls.licence.strip() in ("", "unknown"):
        lacking.append("licence")
    require(not lacking, f"{cls.__name__} does not say its {' and '.join(lacking)}")
    require("\n" not in cls.summary, "the summary is of several lines")
    require(len(cls.summary) <= SUMMARY_LENGTH, f"the summary has {len(cls.summary)} letters, more than 100")
    return cls.licence


@DECLARED.check(
    "defaults of its options hold",
    remedy="Give each field of Options a default that passes its own limits; derive Options from PluginOptions.",
)
def defaults_hold(plugin: PluginUnderTest) -> str:
    """Without ``--set`` the plugin can be made."""
    options = plugin.cls.Options
    require(isinstance(options, type) and issubclass(options, PluginOptions), "Options is no PluginOptions")
    argument = plugin.cls.argument
    if argument:
        require(argument in options.model_fields, f"argument names the option {argument!r}, which is none")
    try:
        made = plugin.parsed({})
    except InputError as error:
        if argument and ":" not in plugin.name:
            message = f"{error} It takes an argument: check it as {plugin.name}:{argument.upper()}."
            raise Broken(message) from error
        raise
    # Pydantic does not look at defaults; as values, they are held against the fields' limits.
    plugin.parsed(made.model_dump(mode="json"))
    return f"{len(options.model_fields)} options"


@DECLARED.check(
    "unknown options are refused", remedy='Derive Options from PluginOptions and leave model_config\'s extra="forbid".'
)
def unknown_options(plugin: PluginUnderTest) -> None:
    """A misspelt ``--set`` must not be ignored."""
    values = {**plugin.options.model_dump(), "no_such_option": 1}
    try:
        plugin.cls.Options.model_validate(values)
    except ValidationError:
        return
    message = "an option that does not exist was taken without a word"
    raise Broken(message)


@DECLARED.check(
    "options survive JSON",
    remedy="Use plain types in Options: a run writes them to its provenance, and opening the run reads them back.",
)
def options_survive_json(plugin: PluginUnderTest) -> None:
    """Dumped, written as JSON, read and validated they are what they were."""
    for made in (plugin.parsed({}), plugin.options):
        again = plugin.parsed(json.loads(json.dumps(made.model_dump(mode="json"))))
        changed = [key for key in type(made).model_fields if getattr(made, key) != getattr(again, key)]
        require(not changed, f"{', '.join(changed)} came back as another value")


@DECLARED.check(
    "each option is described", remedy='Write Field(DEFAULT, description="..."): it is the help text of --set.'
)
def options_are_described(plugin: PluginUnderTest) -> None:
    """Fields of options inside options too."""
    silent = list(_undescribed(plugin.cls.Options))
    require(not silent, f"no description: {', '.join(silent)}")


@DECLARED.check(
    "presets name real options", remedy='presets = {"quick": {"an_option": value}}, with values that the option takes.'
)
def presets_are_real(plugin: PluginUnderTest) -> str:
    """Each preset is one of the toolkit's, and what it sets can be set."""
    presets = plugin.cls.presets
    if not presets:
        skip("it has none")
    for preset, values in presets.items():
        require(preset in PRESETS, f"there is no preset {preset!r}, only {' and '.join(PRESETS)}")
        plugin.parsed(dict(values))
    return ", ".join(presets)


@DECLARED.check(
    "profiles set real options",
    remedy='Switch("ROLE.OPTION", value, about, source), the role its own or train; the value is one the option takes.',
)
def profiles_are_real(plugin: PluginUnderTest) -> str:
    """Each switch of each profile sets something that exists to something it can be."""
    profiles: Mapping[str, Any] = plugin.cls.profiles
    if not profiles:
        skip("it has none")
    for profile, switches in profiles.items():
        require(profile in PROFILES, f"there is no profile {profile!r}, only {' and '.join(PROFILES)}")
        for switch in switches:
            _check_switch(plugin, switch)
    return ", ".join(f"{profile}: {len(switches)} switches" for profile, switches in profiles.items())


def _check_switch(plugin: PluginUnderTest, switch: Switch) -> None:
    require(switch.about and switch.source, f"the switch {switch.key} does not say what it is about, or its source")
    role, _, option = switch.key.partition(".")
    if role == "train":
        validated(TrainOptions, {option: switch.value}, "train.")
        return
    require(role == plugin.role, f"the switch {switch.key} has another role than {plugin.role} or train")
    plugin.parsed({option: switch.value})


def _undescribed(options: type[BaseModel], where: str = "") -> Iterator[str]:
    for key, field in options.model_fields.items():
        if not re.search(r"\w", field.description or ""):
            yield f"{where}{key}"
        for part in (field.annotation, *typing.get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _undescribed(part, f"{where}{key}.")
