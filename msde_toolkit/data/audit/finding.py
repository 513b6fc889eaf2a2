"""What an audit says: findings, checks that were passed, and checks that do not apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from msde_toolkit.data.audit.material import Material

Severity = Literal["severe", "warning", "info"]
"""severe: numbers from this data would be wrong; warning: look at it before you trust them; info: good to know."""

SHOWN = 5
"""So many samples stand as examples."""


class DoesNotApply(Exception):
    """Raised by a check that has nothing to look at; the message says why."""


@dataclass(frozen=True)
class Finding:
    """Something that a check found.

    Attributes:
        check: the check's name.
        severity: how much it matters.
        message: what was found and what it means, a sentence or two.
        rows: how many samples it concerns.
        examples: ids of up to five of them.
        remedy: what to do.
        counts: rows by split (or fold, or condition), where that says more.
    """

    check: str
    severity: Severity
    message: str
    rows: int
    examples: tuple[str, ...]
    remedy: str
    counts: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Audit:
    """The outcome.

    Attributes:
        findings: the severest first.
        passed: names of checks that found nothing.
        not_applicable: check to the reason why it had nothing to look at.
    """

    findings: tuple[Finding, ...]
    passed: tuple[str, ...]
    not_applicable: Mapping[str, str]

    @property
    def severe(self) -> bool:
        """Whether numbers from this data would be wrong."""
        return any(finding.severity == "severe" for finding in self.findings)


def found(
    check: str,
    severity: Severity,
    material: Material,
    rows: npt.NDArray[np.bool_],
    message: str,
    remedy: str,
    by: npt.NDArray[np.object_] | None = None,
    first: npt.NDArray[np.bool_] | None = None,
) -> list[Finding]:
    """A finding about these rows, or none if there are none.

    Args:
        check: the check's name.
        severity: how much it matters.
        material: what is audited.
        rows: ``[n]`` which samples it concerns.
        message: may hold ``{rows}``.
        remedy: what to do.
        by: ``[n]`` what to count by.
        first: ``[n]`` which samples make the best examples.
    """
    count = int(rows.sum())
    if not count:
        return []
    chosen = np.flatnonzero(rows)
    shown = chosen if first is None or not (rows & first).any() else np.flatnonzero(rows & first)
    examples = tuple(material.manifest.frame["id"].iloc[shown[:SHOWN]])
    counts = Counter(map(str, by[chosen])) if by is not None else {}
    return [
        Finding(
            check,
            severity,
            message.format(rows=f"{count:,}"),
            count,
            examples,
            remedy,
            dict(sorted(counts.items())),
        )
    ]
