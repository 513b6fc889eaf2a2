"""What every plugin says of itself.

A plugin is a class that an entry point names. It declares its options as a pydantic model: that one definition gives
validation, ``--set``, the TOML file and the help text.

    class Options(PluginOptions):
        gain: float = Field(1.0, ge=0, description="Factor on the output.")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class PluginOptions(BaseModel):
    """Base of every ``Options``: unknown keys are errors, numbers are finite, nothing changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Switch:
    """One difference between the paper and a released code, as a setting that a profile makes.

    Attributes:
        key: what it sets, with its role: ``loss.mse_weight``, ``train.lr_head``.
        value: what the profile sets it to; the paper's value is the option's default.
        about: the difference in one line.
        source: where both are found (paper section; script of the released code).
        unsound: why numbers made with it are no evidence; empty where they are.
    """

    key: str
    value: Any
    about: str
    source: str
    unsound: str = ""


class Plugin:
    """Attributes that models, losses, datasets, maskers and analyses share.

    Attributes:
        Options: the plugin's options; empty by default.
        summary: one line for ``msde list``.
        reference: where the method comes from (paper, section, equation).
        licence: of the code or, for a dataset, of its images.
        presets: what a preset changes in the options, e.g. ``{"quick": {"backbone": "resnet18"}}``.
        profiles: what a profile sets where this plugin is used, e.g. ``{"code": (Switch("loss.alpha", 1.0, ...),)}``.
            A switch may set an option of the plugin's own role, or one of ``train.``; the user's ``--set`` wins.
        argument: the option that is filled by what follows a colon: with ``"name"``, ``timm:resnet18d`` is
            ``timm`` with ``name=resnet18d``. Empty: no colon.
    """

    Options: ClassVar[type[PluginOptions]] = PluginOptions
    summary: ClassVar[str] = ""
    reference: ClassVar[str] = ""
    licence: ClassVar[str] = "unknown"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    profiles: ClassVar[Mapping[str, Sequence[Switch]]] = {}
    argument: ClassVar[str] = ""
