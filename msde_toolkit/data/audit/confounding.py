"""A check that the mask is not told by something else: class, camera or session."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.data.audit.finding import DoesNotApply, Finding, Severity, found
from msde_toolkit.data.audit.material import Material

FEWEST = 20
"""Each condition needs so many samples whose class (camera, session) is known."""
WEAK, STRONG = 0.2, 0.5
"""Cramér's V from which it is a finding, and from which a class is told by its condition."""
CHANCE = 0.001
"""A table that chance makes this often is no finding."""
MEANING = {
    "label": "a model can tell classes by the mask, and a difference between conditions is one between classes",
    "camera": "a difference between conditions may be one between cameras",
    "session": "a difference between conditions may be one between days, light or people",
}


def condition_confounded(material: Material) -> list[Finding]:
    """Conditions whose classes, cameras or sessions differ: chi-square test and bias-corrected Cramér's V."""
    frame = material.manifest.frame
    known = [column for column in MEANING if frame[column].nunique() > 1]
    if len(material.manifest.conditions) < 2:
        message = "there is only one condition"
        raise DoesNotApply(message)
    counts = {column: _table(frame, column) for column in known}
    enough = {column: table for column, table in counts.items() if (table.sum(axis=1) >= FEWEST).sum() > 1}
    if not enough:
        message = f"fewer than {FEWEST} samples in a condition"
        raise DoesNotApply(message)
    return [finding for column, table in enough.items() for finding in _about(material, column, table)]


def _table(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Counts: a row a condition, a column a value."""
    return pd.crosstab(frame["condition"], frame[column])


def _about(material: Material, column: str, table: pd.DataFrame) -> list[Finding]:
    table = table[table.sum(axis=1) >= FEWEST]
    table = table.loc[:, table.sum() > 0]
    if table.shape[1] < 2:
        return []
    v, p = association(table.to_numpy())
    if p >= CHANCE or v < WEAK:
        return []
    word = "class" if column == "label" else column
    severity: Severity = "severe" if column == "label" and v >= STRONG else "warning"
    frame = material.manifest.frame
    return found(
        "condition_confounded",
        severity,
        material,
        _one_sided(frame, column, table),
        f"Condition and {word} go together (Cramér's V {v:.2f}, 0 none, 1 entirely; p {p:.1g}), mostly in {{rows}} "
        f"samples: {MEANING[column]}.",
        f"Take each condition across the same {'classes' if word == 'class' else word + 's'}, or compare pairs only.",
        frame["condition"].to_numpy(dtype=object),
    )


def association(table: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Cramér's V of a table of counts, 0 to 1, and p of its chi-square test.

    V is corrected for its bias in small samples (Bergsma, *A bias-correction for Cramér's V and Tschuprow's T*, 2013);
    p is by Wilson and Hilferty's approximation (1931), which is close where it matters, at small p.
    """
    n = table.sum()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    chi2 = float(((table - expected) ** 2 / expected).sum())
    rows, columns = table.shape
    freedom = (rows - 1) * (columns - 1)
    spread = 2 / (9 * freedom)
    p = math.erfc(((chi2 / freedom) ** (1 / 3) - 1 + spread) / math.sqrt(2 * spread)) / 2
    rows_left, columns_left = (side - (side - 1) ** 2 / (n - 1) for side in (rows, columns))
    fewest = min(rows_left, columns_left) - 1
    phi2 = max(0.0, chi2 / n - freedom / (n - 1))
    return (min(1.0, math.sqrt(phi2 / fewest)) if fewest > 0 else 0.0), p


def _one_sided(frame: pd.DataFrame, column: str, table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Samples of the cells that hold more than 1.5 times what independence would put there."""
    expected = np.outer(table.sum(axis=1), table.sum()) / table.to_numpy().sum()
    over = (table > 1.5 * expected).stack()
    if not over.any():
        over = (table > expected).stack()
    cells = pd.MultiIndex.from_frame(frame[["condition", column]].astype({"condition": object}))
    among: npt.NDArray[np.bool_] = cells.isin(over.index[over])
    return among
