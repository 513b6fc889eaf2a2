"""What every plugin says of itself.

A plugin is a class that an entry point names. It declares its options as a pydantic model: that one definition gives
validation, ``--set``, the TOML file and the help text.

    class Options(PluginOptions):
        gain: float = Field(1.0, ge=0, description="Factor on the output.")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class PluginOptions(BaseModel):
    """Base of every ``Options``: unknown keys are errors, numbers are finite, nothing changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Plugin:
    """Attributes that models, losses, datasets, maskers and analyses share.

    Attributes:
        Options: the plugin's options; empty by default.
        summary: one line for ``msde list``.
        reference: where the method comes from (paper, section, equation).
        licence: of the code or, for a dataset, of its images.
        presets: what a preset changes in the options, e.g. ``{"quick": {"backbone": "resnet18"}}``.
    """

    Options: ClassVar[type[PluginOptions]] = PluginOptions
    summary: ClassVar[str] = ""
    reference: ClassVar[str] = ""
    licence: ClassVar[str] = "unknown"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
