"""What an opened run needs of its small files. Checked on opening, so that a damaged file is named there and then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from msde_toolkit.errors import InputError

FoldName = Annotated[str, Field(pattern=r"^[\w-]+$")]
"""A fold's name becomes a folder's: one from a stranger's summary must not lead out of the run."""

Entries = TypeVar("Entries", bound=BaseModel)


class _Entries(BaseModel):
    """Some entries of a file; whatever else is in it is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class SummaryEntries(_Entries):
    """Of ``summary.json``."""

    run: str
    model: str
    loss: str
    dataset: str
    synthetic: bool
    identity: str
    folds: list[FoldName] = Field(min_length=1)
    repeats: int = Field(ge=1)


class _Train(_Entries):
    image_size: int = Field(ge=1)


class _Options(_Entries):
    model: dict[str, Any]
    mask: dict[str, Any]
    train: _Train


class _Plugin(_Entries):
    name: str
    distribution: str

    @property
    def full_name(self) -> str:
        """With the distribution that the run used, so that nothing else of that name steps in."""
        return f"{self.name}@{self.distribution}"


class _Plugins(_Entries):
    model: _Plugin
    data: _Plugin


class _Data(_Entries):
    pixels_sha256: str | None = None


class _Faces(_Entries):
    recipe: str


class ProvenanceEntries(_Entries):
    """Of ``provenance.json``."""

    options: _Options
    plugins: _Plugins
    data: _Data
    faces: _Faces | None = None


class ConfigEntries(_Entries):
    """Of ``config.toml``."""

    root: Path | None = None
    mask: str | None = None
    seed: int = 0


def entries(cls: type[Entries], document: Any, file: Path) -> Entries:
    """The entries of a file.

    Raises:
        InputError: naming the file and the first entry that is missing or not what it should be.
    """
    try:
        return cls.model_validate(document if isinstance(document, Mapping) else {})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        what = f"has no entry {place!r}" if first["type"] == "missing" else f"entry {place!r}: {first['msg']}"
        message = f"{file}: {what}; the file is damaged or of another version."
        raise InputError(message) from error
