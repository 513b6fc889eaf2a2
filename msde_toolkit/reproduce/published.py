"""What the paper prints (``published.toml``), and which runs and analyses are set beside it."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from msde_toolkit.engine.study.definition import MethodSpec
from msde_toolkit.errors import InputError
from msde_toolkit.options import nearest

ALL = "all"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedRow(_Part):
    """A row as printed.

    Attributes:
        method: baseline, cl, kd, ran, scan; in Table 1 a dataset.
        run: the method of ``methods`` whose run is set beside it.
        condition: of ``recalls``.
        pairs_only: only samples of complete pairs count (MSD-PE).
        nm: accuracy in percent, as are ``m`` and ``average``.
        recalls: fractions in the order of the table's classes.
        occluded: images.
        masked: images.
    """

    method: str
    run: str = ""
    condition: str = ""
    pairs_only: bool = False
    nm: float | None = None
    m: float | None = None
    average: float | None = None
    recalls: tuple[float, ...] = ()
    occluded: int | None = None
    masked: int | None = None


class PublishedTable(_Part):
    """A table as printed; ``nm``, ``m``, ``total`` and ``pairs`` are counts by class."""

    title: str
    kind: Literal["sets", "counts", "accuracy", "recall"]
    notes: tuple[str, ...]
    pairs_only: bool = False
    rows: tuple[PublishedRow, ...] = ()
    classes: tuple[str, ...] = ()
    nm: tuple[int, ...] = ()
    m: tuple[int, ...] = ()
    total: tuple[int, ...] = ()
    pairs: tuple[int, ...] = ()


class PublishedFigure(_Part):
    """A figure: the analysis that draws it, over these methods' runs or over all of another study."""

    title: str
    analysis: str
    notes: tuple[str, ...]
    runs: tuple[str, ...] = ()
    study: str = ""


class Published(_Part):
    """All of it."""

    methods: tuple[MethodSpec, ...]
    tables: dict[str, PublishedTable]
    figures: dict[str, PublishedFigure]

    def wanted(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Tables and figures by name, each once, in the paper's order; ``all`` is all of them.

        Raises:
            InputError: unknown name.
        """
        known = (*self.tables, *self.figures)
        for name in names:
            if name not in (*known, ALL):
                raise InputError(f"reproduce {name}: no such table or figure. {nearest(name, (*known, ALL))}")
        return known if ALL in names else tuple(name for name in known if name in names)

    def methods_of(self, name: str) -> tuple[str, ...]:
        """The methods whose runs a table or figure needs."""
        if name in self.figures:
            return self.figures[name].runs
        return tuple(dict.fromkeys(row.run for row in self.tables[name].rows if row.run))


@cache
def published() -> Published:
    """The paper's numbers."""
    text = files("msde_toolkit.reproduce").joinpath("published.toml").read_text(encoding="utf-8")
    document: dict[str, Any] = tomllib.loads(text)
    return Published.model_validate(document)
