"""What the kit says: a finding for each check, a report for each plugin."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        check: what was asked, in words.
        state: ``passed``, ``failed`` or ``skipped`` (the check does not apply here, or lacks something).
        reason: one line: what was found, or why it was skipped; may be empty where it passed.
        remedy: what to do; empty unless it failed.
    """

    check: str
    state: State
    reason: str = ""
    remedy: str = ""


class NotConforming(AssertionError):
    """A plugin breaks its contract; the message has a line for each failed check and one for its remedy."""


@dataclass(frozen=True)
class Report:
    """All findings about one plugin.

    Attributes:
        kind: ``model``, ``loss``, ``dataset``, ``masker``, ``analysis`` or ``listener``.
        name: what the user types.
        distribution: the pip package that offers it, and its ``version``.
        target: module and class.
        findings: in the order of the checks.
    """

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Findings that failed."""
        return tuple(finding for finding in self.findings if finding.state == "failed")

    def counts(self) -> dict[State, int]:
        """How many checks passed, failed and were skipped."""
        counted = Counter(finding.state for finding in self.findings)
        return {"passed": counted["passed"], "failed": counted["failed"], "skipped": counted["skipped"]}

    def raise_for_failures(self) -> None:
        """For a test.

        Raises:
            NotConforming: if a check failed.
        """
        if self.failures:
            lines = [f"{finding.check}: {finding.reason}\n    {finding.remedy}" for finding in self.failures]
            message = f"The {self.kind} {self.name!r} fails {len(lines)} of {len(self.findings)} checks:\n"
            raise NotConforming(message + "\n".join(lines))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "passed": self.passed, "counts": self.counts()}
