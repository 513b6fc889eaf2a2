"""Everything that is needed to run a run again, checked before anything starts."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field

from msde_toolkit.errors import InputError
from msde_toolkit.options import nearest, validated

ROLES = ("model", "loss", "data", "mask", "train")
"""Prefixes of ``--set`` keys."""


class RunConfig(BaseModel):
    """A run's configuration. ``None`` means: let the preset, the loss or the dataset decide.

    The tables ``set_*`` hold what the user set on top of presets and plugin defaults, by role.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    model: str
    loss: str
    data: str = "synthetic"
    root: Path | None = None
    mask: str | None = None
    train_on: Literal["nm", "m", "mix", "pairs"] | None = None
    weights: str = "none"
    teacher: str = "auto"
    preset: Literal["quick", "paper"] = "quick"
    profile: Literal["paper", "code"] = "paper"
    folds: int | Path | None = None
    repeats: int = Field(1, ge=1, le=100)
    select: Literal["last", "inner", "test"] | None = None
    seed: int = Field(0, ge=0, lt=2**63)
    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    set_model: Mapping[str, Any] = {}
    set_loss: Mapping[str, Any] = {}
    set_data: Mapping[str, Any] = {}
    set_mask: Mapping[str, Any] = {}
    set_train: Mapping[str, Any] = {}

    @classmethod
    def create(cls, **values: Any) -> RunConfig:
        """Validate.

        Raises:
            InputError: naming the key and what it must be.
        """
        given = {key: value for key, value in values.items() if value is not None}
        for needed in ("model", "loss"):
            if needed not in given:
                message = f"No {needed} given: --{needed} NAME (see 'msde list')."
                raise InputError(message)
        return validated(cls, given, "--")

    def to_toml(self) -> str:
        """For ``config.toml``; read back by ``load_config``."""
        plain = self.model_dump(mode="json", exclude_none=True)
        tables = {role: plain.pop(f"set_{role}") for role in ROLES}
        return tomli_w.dumps({**plain, "set": {role: table for role, table in tables.items() if table}})


def load_config(path: Path) -> dict[str, Any]:
    """Keyword arguments for ``RunConfig.create`` from a TOML file.

    Raises:
        InputError: missing, damaged, or with an unknown key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"--config {path}: cannot be read ({error.strerror})."
        raise InputError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"--config {path}: damaged TOML: {error}"
        raise InputError(message) from error
    tables = document.pop("set", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        message = f"--config {path}: [set.ROLE] must be tables; ROLE is one of {', '.join(ROLES)}."
        raise InputError(message)
    for role in tables:
        if role not in ROLES:
            raise InputError(f"--config {path}: unknown table [set.{role}]. {nearest(role, ROLES)}")
    known = [name for name in RunConfig.model_fields if not name.startswith("set_")]
    for key in document:
        if key not in known:
            raise InputError(f"--config {path}: unknown key {key!r}. {nearest(key, known)}")
    for key in ("root", "weights", "folds", "teacher"):
        if isinstance(document.get(key), str) and document[key].startswith("~"):
            document[key] = str(Path(document[key]).expanduser())
    return {**document, **{f"set_{role}": table for role, table in tables.items()}}


def parse_settings(settings: Sequence[str], roles: Sequence[str] = ROLES) -> dict[str, dict[str, str]]:
    """``["loss.mse_weight=0.3"]`` to ``{"loss": {"mse_weight": "0.3"}}``.

    Raises:
        InputError: no ``=``, or an unknown role.
    """
    out: dict[str, dict[str, str]] = {role: {} for role in roles}
    for setting in settings:
        key, equals, value = setting.partition("=")
        role, dot, name = key.strip().partition(".")
        if not equals or not dot or not name:
            message = f"--set {setting}: expected ROLE.KEY=VALUE, e.g. --set {roles[0]}.KEY=VALUE."
            raise InputError(message)
        if role not in out:
            raise InputError(f"--set {setting}: unknown role {role!r}. {nearest(role, roles)}")
        out[role][name] = value.strip()
    return out
