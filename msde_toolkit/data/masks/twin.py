"""The folder that ``msde data mask`` writes: both halves of each pair, their manifest, their hashes, and a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from msde_toolkit.data.faces.file_names import file_names
from msde_toolkit.data.image_cache import Progress, chunked
from msde_toolkit.data.masking import MaskDrawer, average_notes
from msde_toolkit.data.masks.hashes import HASHES, how, write_hashes
from msde_toolkit.data.masks.outcome import Drawn, Unmasked
from msde_toolkit.data.masks.paint import NAME, Brush, Painter, Store, with_names
from msde_toolkit.data.masks.placing import Placing
from msde_toolkit.data.masks.twin_manifest import check_ids, records_of, twin_manifest
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.files import whole
from msde_toolkit.interfaces import Dataset
from msde_toolkit.types import NM, LeftOut, Manifest

SCHEMA = 1
FACTS, REPORT, MANIFEST = "mask.json", "report.csv", "manifest.parquet"
COLUMNS = ("id", "path", "condition", "class", "subject", "why", "reason")
CHUNK = 16


@dataclass(frozen=True)
class Twin:
    """A masked twin.

    Attributes:
        manifest: of both halves, its root the folder.
        placing: all samples that a mask was wanted for.
        drawn: those that have one, by id.
        lost: the others, by id.
        rows_lost: samples that the set had lost before, for its lists or files are faulty.
        folder: where everything is.
        before: how many were there from an earlier call.
    """

    manifest: Manifest
    placing: Placing
    drawn: Mapping[str, Drawn]
    lost: Mapping[str, Unmasked]
    rows_lost: tuple[LeftOut, ...]
    folder: Path
    before: int

    @property
    def average(self) -> int:
        """How many masks are placed by the average face."""
        frame = self.placing.manifest.frame
        return int(frame.loc[frame["id"].isin(list(self.drawn)), "landmarks"].isna().sum())

    @cached_property
    def size(self) -> int:
        """Bytes of all pictures."""
        places = [*self.manifest.frame["path"], *self.manifest.frame["mask_path"].dropna()]
        return sum((self.folder / place).stat().st_size for place in places)

    def by_class(self) -> pd.DataFrame:
        """A row a class and one for the total: ``class, sources, masked`` and a column for each reason."""
        return counts_by_class(self.placing.all, self.lost, self.rows_lost)


def facts_of(manifest: Manifest, drawer: MaskDrawer, placing: Placing, options: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same for a call to go on with what an earlier one has left."""
    masker = drawer.masker
    return {
        "schema": SCHEMA,
        "dataset": manifest.name,
        "data": dict(options),
        "mask": drawer.name,
        "masker": masker.fingerprint(),
        "options": masker.options.model_dump(mode="json"),
        "seed": drawer.seed,
        "landmarker": None if placing.found_by is None else str(placing.found_by),
    }


def make_twin(
    dataset: Dataset,
    manifest: Manifest,
    placing: Placing,
    drawer: MaskDrawer,
    out: Path,
    *,
    options: Mapping[str, Any] | None = None,
    skip_unreadable: bool = True,
    progress: Progress | None = None,
) -> Twin:
    """Mask every face, and write pictures, ``report.csv``, ``hashes.csv`` and, last, ``manifest.parquet``.

    Args:
        dataset: reads the unmasked images.
        manifest: the set.
        placing: its faces.
        drawer: puts the masks on.
        out: a folder that is empty, or was written by this function in the same way; masks that are there are kept.
        options: of the dataset.
        skip_unreadable: an image that cannot be decoded is reported rather than an error.
        progress: told how many faces are masked.

    Raises:
        InputError: the folder is another's.
        DataError: not one face can be masked (the report is written); an image that cannot be decoded, if these are
            not skipped.
        PluginError: the masker breaks its contract.
    """
    check_ids(placing.all, drawer.name)
    facts = facts_of(manifest, drawer, placing, options or {})
    check_folder(out, manifest, facts)
    names = file_names(placing.all.ids)
    store, painter = Store(out), Painter.of(dataset, drawer, placing.all)
    wanted = with_names(placing.manifest, names)
    there = _there(wanted, store, painter)
    _write_json(out / FACTS, {**facts, "msde-toolkit": version("msde-toolkit")})
    new = _painted(wanted, there, Brush(painter, store), skip_unreadable, progress or (lambda _done, _all: None))
    drawn, lost = _sorted_out(placing, {**there, **new})
    rows_lost = tuple(one for one in manifest.left_out if one.condition == NM)
    _write_report(out / REPORT, placing.all, lost, rows_lost)
    if not drawn:
        for name in (MANIFEST, HASHES):
            (out / name).unlink(missing_ok=True)
        raise DataError(_none_masked(placing.all, lost, out))
    write_hashes(out / HASHES, {sample: drawn[sample] for sample in placing.all.ids if sample in drawn}, how(facts))
    twin = twin_manifest(_told(placing, drawn, lost, drawer), drawn, names, drawer.name, root=out)
    with whole(out / MANIFEST) as unfinished:
        twin.save(unfinished)
    store.remove_others({names[sample] for sample in drawn})
    return Twin(twin, placing, drawn, lost, rows_lost, out, len(there))


def check_folder(out: Path, manifest: Manifest, facts: Mapping[str, Any]) -> None:
    """Whether the folder is empty, or holds what the same call has written.

    Raises:
        InputError: if not, in one line that says what differs.
    """
    root = None if manifest.root is None else manifest.root.resolve()
    if root is not None and root.is_dir() and out.resolve().is_relative_to(root):
        message = f"--out {out}: lies in the set's folder, where its pictures would be taken for the set's. Move it."
        raise InputError(message)
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        before = json.loads((out / FACTS).read_text(encoding="utf-8"))
        changed = [key for key in facts if before.get(key) != facts[key]]
    except (OSError, ValueError, AttributeError) as error:
        message = f"--out {out}: is not an empty folder, and not of this command. Choose a new one."
        raise InputError(message) from error
    if changed:
        told = "; ".join(f"{key} {_short(before.get(key))}, now {_short(facts[key])}" for key in changed)
        message = f"--out {out}: holds masks made another way ({told}). Choose a new folder."
        raise InputError(message)


def counts_by_class(
    sources: Manifest, lost: Mapping[str, Unmasked], rows_lost: tuple[LeftOut, ...] = ()
) -> pd.DataFrame:
    """A row a class and one for the total: ``class, sources, masked`` and how many each reason has cost."""
    whys = [(label, lost[sample].why if sample in lost else "masked") for sample, label in _labelled(sources)]
    whys += [(one.label, "bad_row") for one in rows_lost]
    names = list(sources.classes)
    table = pd.DataFrame({"class": [names[label] for label, _ in whys], "why": [why for _, why in whys]})
    counts = pd.crosstab(table["class"], table["why"]).reindex(index=names, fill_value=0)
    reasons = sorted(str(why) for why in counts if why != "masked")
    counts = counts.reindex(columns=["masked", *reasons], fill_value=0).astype(int)
    counts.insert(0, "sources", counts.sum(axis=1))
    counts.loc["total"] = counts.sum()
    return counts.rename_axis(index="class", columns=None).reset_index()


def _labelled(sources: Manifest) -> list[tuple[str, int]]:
    return list(zip(sources.ids, sources.labels.tolist(), strict=True))


def _there(sources: Manifest, store: Store, painter: Painter) -> dict[str, Drawn]:
    """Masks that an earlier call has drawn of the same pixels in the same way."""
    found = {}
    frame = sources.frame
    for sample, landmarks, name in zip(frame["id"], frame["landmarks"], frame[NAME], strict=True):
        drawn = store.recorded(name)
        if drawn is not None and drawn.key == painter.key(landmarks):
            found[sample] = drawn
    return found


def _painted(
    sources: Manifest, there: Mapping[str, Drawn], brush: Brush, skip_unreadable: bool, progress: Progress
) -> dict[str, Drawn | Unmasked]:
    """What becomes of the samples that are not there, worker processes joining in where it takes long."""
    rest = sources.take(~sources.frame["id"].isin(list(there)).to_numpy(dtype=bool))
    done: dict[str, Drawn | Unmasked] = {}
    progress(len(there), len(sources))
    if not len(rest):
        return done
    # Between the first new picture and the last, an old manifest would speak of pictures that are no longer there.
    (brush.store.folder / MANIFEST).unlink(missing_ok=True)
    for outcomes in chunked(rest, brush, CHUNK):
        done.update(outcomes)
        if not skip_unreadable:
            check_readable(outcomes)
        progress(len(there) + len(done), len(sources))
    return done


def check_readable(outcomes: Mapping[str, Drawn | Unmasked]) -> None:
    """Whether every image could be decoded.

    Raises:
        DataError: naming the first that could not.
    """
    for sample, outcome in outcomes.items():
        if isinstance(outcome, Unmasked) and outcome.why == "unreadable":
            message = f"sample {sample}: {outcome.reason}"
            raise DataError(message)


def _sorted_out(
    placing: Placing, outcomes: Mapping[str, Drawn | Unmasked]
) -> tuple[dict[str, Drawn], dict[str, Unmasked]]:
    """What is masked and what is not, in the set's order."""
    drawn: dict[str, Drawn] = {}
    lost: dict[str, Unmasked] = {}
    for sample in placing.all.ids:
        outcome = placing.lost[sample] if sample in placing.lost else outcomes[sample]
        if isinstance(outcome, Drawn):
            drawn[sample] = outcome
        else:
            lost[sample] = outcome
    return drawn, lost


def _told(placing: Placing, drawn: Mapping[str, Drawn], lost: Mapping[str, Unmasked], drawer: MaskDrawer) -> Manifest:
    """The unmasked samples, with what a reader of the twin must know."""
    options = drawer.masker.options.model_dump(mode="json", exclude_defaults=True)
    set_to = "".join(f", {key}={value}" for key, value in options.items())
    notes = [f"masks are drawn on the photos ({drawer.name}{set_to}, seed {drawer.seed})"]
    average = placing.manifest.frame["landmarks"].isna() & placing.manifest.frame["id"].isin(list(drawn))
    notes += average_notes(int(average.sum()))
    if placing.found_by is not None:
        notes.append(f"{placing.found} faces found by {placing.found_by}")
    if lost:
        notes.append(f"{len(lost)} of {len(placing.all)} faces could not be masked and are left out ({REPORT})")
    if placing.left_aside:
        notes.append(
            f"{placing.left_aside} images of the set are left aside: they wear a mask, or something else, already"
        )
    known = placing.all
    # With the landmarks that were found, and all faces, also those without a mask.
    found = dict(zip(placing.manifest.ids, placing.manifest.frame["landmarks"], strict=True))
    cells: list[Any] = [found.get(sample, own) for sample, own in zip(known.ids, known.frame["landmarks"], strict=True)]
    return replace(
        known,
        frame=known.frame.assign(landmarks=pd.Series(cells, dtype=object)),
        notes=(*known.notes, *notes),
        left_out=(*known.left_out, *records_of(known, lost)),
    )


def _none_masked(sources: Manifest, lost: Mapping[str, Unmasked], out: Path) -> str:
    sample, first = next(iter(lost.items()))
    return (
        f"{sources.name}: not one of its {len(sources)} faces can be masked ({sample}: {first.reason.rstrip('.')}). "
        f"See {out / REPORT}."
    )


def _write_report(file: Path, sources: Manifest, lost: Mapping[str, Unmasked], rows_lost: tuple[LeftOut, ...]) -> None:
    """A row for each face without a mask; a header alone where all have one."""
    frame = sources.frame
    rows = [
        (sample, path, condition, sources.classes[label], subject, lost[sample].why, lost[sample].reason)
        for sample, path, condition, label, subject in zip(
            frame["id"], frame["path"], frame["condition"], sources.labels, frame["subject"], strict=True
        )
        if sample in lost
    ]
    rows += [
        (one.sample, "", one.condition, sources.classes[one.label], one.subject, "bad_row", one.reason)
        for one in rows_lost
    ]
    with whole(file) as unfinished:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(unfinished, index=False)


def _write_json(file: Path, document: Mapping[str, Any]) -> None:
    with whole(file) as unfinished:
        unfinished.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
