"""A subject takes consent back: out of manifest, files and cache; whatever was trained on them is named and marked."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from msde_toolkit.data.beside_manifest import Holdings
from msde_toolkit.data.image_cache import entries
from msde_toolkit.data.subject_rows import same_people, subjects_of
from msde_toolkit.engine.lineage import Lineage, Seen
from msde_toolkit.engine.run_folder import read_all
from msde_toolkit.errors import InputError
from msde_toolkit.files import cache_directory
from msde_toolkit.results.run_store import all_runs
from msde_toolkit.results.taint import Withdrawn, mark
from msde_toolkit.types import Manifest


@dataclass(frozen=True)
class Withdrawal:
    """What there is of a subject, and what ``carry_out`` does with it.

    Attributes:
        holdings: rows of the manifest and files beside it.
        runs: that saw them, to be marked.
        cache: files and folders in the cache, to be removed.
        untraced: runs with the earlier run that they come from, which is nowhere to be found.
        unread: run folders that cannot be read, with the reason.
        not_marked: runs whose mark could not be written, with the reason; filled by ``carry_out``.
    """

    holdings: Holdings
    runs: tuple[Seen, ...]
    cache: tuple[Path, ...]
    untraced: tuple[tuple[Path, str], ...]
    unread: dict[Path, str]
    not_marked: dict[Path, str] = field(default_factory=dict)

    def carry_out(self) -> None:
        """Mark runs, clear the cache, then the files, the manifest last, so that a next call repairs a kill in between.

        Raises:
            OSError: if something cannot be removed, or the manifest not be written.
        """
        holdings = self.holdings
        for seen in self.runs:
            withdrawn = Withdrawn.now(holdings.manifest.name, holdings.subject, tuple(seen.why), seen.in_order)
            try:
                mark(seen.run.directory, withdrawn)
            except OSError as error:
                self.not_marked[seen.run.directory] = error.strerror or str(error)
        for path in self.cache:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        holdings.remove()

    def document(self) -> dict[str, Any]:
        """For ``--json``: everything that was found, to be kept as a record. Ask before ``carry_out``."""
        holdings = self.holdings
        return {
            "schema": 1,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "subject": holdings.subject,
            "dataset": holdings.manifest.name,
            "manifest": None if holdings.file is None else str(holdings.file),
            "samples": sorted(holdings.ids),
            "pairs": holdings.pairs,
            "left_out": holdings.lost,
            "files": [str(file) for file in holdings.made],
            "tables": {str(file): len(table.gone) for file, table in holdings.tables.items()},
            "cache": [str(path) for path in self.cache],
            "runs": [_told(seen) for seen in self.runs],
            "untraced": [{"run": str(run), "origin": origin} for run, origin in self.untraced],
            "unread": {str(run): reason for run, reason in self.unread.items()},
            "yours_to_delete": list(holdings.originals),
        }


def _told(seen: Seen) -> dict[str, Any]:
    directory = seen.run.directory
    return {
        "run": directory.resolve().name,
        "directory": str(directory),
        "why": list(seen.why),
        "checkpoints": [
            {"fold": place.fold, "repeat": place.repeat, "file": str(place.files(directory).model)}
            for place in seen.in_order
        ],
        "not_affected": len(seen.run.checkpoints) - len(seen.checkpoints),
    }


def find(holdings: Holdings, runs: Sequence[Path]) -> Withdrawal:
    """Look for everything that there is of a subject; nothing is changed.

    Args:
        holdings: who it is, and the set they are in.
        runs: folders to look for runs in, at any depth.

    Raises:
        InputError: if neither the manifest nor a run of the dataset knows the subject.
    """
    folders = {run.resolve(): run for folder in runs for run in all_runs(folder)}
    trained, unread = read_all(list(folders.values()))
    teachers, broken = read_all([path for path in sorted(cache_directory("teachers").iterdir()) if path.is_dir()])
    manifest, subject = holdings.manifest, holdings.subject
    lineage = Lineage([*trained, *teachers])
    seen = lineage.saw(subject, manifest.name)
    if not (holdings.any or seen):
        raise InputError(_unknown(subject, manifest, [run.manifest for run in lineage.runs]))
    cached = {teacher.directory for teacher in teachers}
    gone = [found.run.directory for found in seen if found.run.directory in cached] + list(broken)
    locks = [lock for path in gone if (lock := path.with_suffix(".lock")).is_file()]
    return Withdrawal(
        holdings=holdings,
        runs=tuple(found for found in seen if found.run.directory not in cached),
        cache=(*gone, *locks, *_arrays(manifest.name)),
        untraced=tuple((run.directory, origin) for run, origin in lineage.untraced if run.directory not in cached),
        unread=unread,
    )


def _arrays(dataset: str) -> list[Path]:
    """Features, places of faces and decoded images of the dataset, and those that do not say whose they are.

    Features are known by their images, too, for two sets may have the same: so the images must go last.
    """

    def theirs(facts: Any) -> bool:
        return facts is None or same_people(facts["dataset"], dataset)

    images = [entry for entry in entries("images") if theirs(entry.facts)]
    pixels = {entry.facts.get("sha256") for entry in images if entry.facts} - {None}
    features = [
        entry
        for entry in entries("features")
        if theirs(entry.facts) or (entry.facts and entry.facts.get("pixels_sha256") in pixels)
    ]
    faces = [entry for entry in entries("faces") if theirs(entry.facts)]
    return [file for entry in (*features, *faces, *images) for file in entry.files]


def _unknown(subject: str, manifest: Manifest, of_runs: Sequence[Manifest]) -> str:
    related = (other for other in of_runs if same_people(other.name, manifest.name))
    known = sorted(set().union(*(subjects_of(one) for one in (manifest, *related))))
    if not known:
        return f"{subject}: {manifest.name} does not know its subjects. Name a sample, id:SAMPLE, or a pair, pair:PAIR."
    close = get_close_matches(subject, known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"There are {len(known)}, {known[0]} for one."
    return f"{subject}: no such subject in {manifest.name}, nor in a run of it. {hint}"
