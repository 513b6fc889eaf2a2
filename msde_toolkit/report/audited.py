"""What an audit finds in the runs of a report, each finding told once with the runs it holds for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msde_toolkit.data.audit import Finding, Material, RunFacts, audit
from msde_toolkit.errors import MsdeError
from msde_toolkit.report.folders import without_folders
from msde_toolkit.results.open_run import OpenRun


@dataclass(frozen=True)
class Found:
    """A finding, and for which runs."""

    severity: str
    check: str
    message: str
    remedy: str
    runs: str


@dataclass(frozen=True)
class Audits:
    """The findings, how many checks were passed by all runs, and what could not be looked at."""

    findings: tuple[Found, ...]
    passed: tuple[str, ...]
    images_read: bool
    problems: tuple[str, ...]


def audits(runs: Sequence[OpenRun], *, pixels: bool) -> Audits:
    """Audit each run; ``pixels``: also its images."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    passed: list[set[str]] = []
    problems = []
    for run in runs:
        try:
            facts = RunFacts(run.predictions, run.summary)
            done = audit(Material(run.manifest, run.dataset if pixels else None, facts))
        except (MsdeError, OSError) as error:
            problems.append(without_folders(f"{run.name}: {error}"))
            continue
        passed.append(set(done.passed))
        for finding in done.findings:
            found.setdefault(_key(finding), []).append(run.name)
    rows = [
        Found(*key, "all runs" if len(names) == len(runs) > 1 else ", ".join(names)) for key, names in found.items()
    ]
    rows.sort(key=lambda row: ("severe", "warning", "info").index(row.severity))
    everywhere = sorted(set.intersection(*passed)) if passed else []
    return Audits(tuple(rows), tuple(everywhere), pixels, tuple(problems))


def _key(finding: Finding) -> tuple[str, str, str, str]:
    # No examples: they are names of samples, at times of people.
    return finding.severity, finding.check, finding.message, finding.remedy
