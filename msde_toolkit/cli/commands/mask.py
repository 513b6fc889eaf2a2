"""``msde data mask``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from msde_toolkit.data.faces import Finder
    from msde_toolkit.data.masking import MaskDrawer
    from msde_toolkit.data.masks import Twin
    from msde_toolkit.data.masks.check import Comparison
    from msde_toolkit.data.masks.open_set import OpenSet

EXAMPLE = (
    "Example: msde data mask rafdb --root RAF --out masked-raf   |   msde data mask rafdb --root RAF --check hashes.csv"
)


@dataclass(frozen=True)
class _Wanted:
    """What the command was asked for, opened."""

    found: OpenSet
    drawer: MaskDrawer
    finder: Finder | None
    skip: bool


def mask(
    what: Annotated[str, typer.Argument(metavar="SET", help="Dataset, as in 'msde data list', or a manifest.")],
    root: Annotated[Path | None, typer.Option(help="Where the set is.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the twin, empty or written by this command.")] = None,
    name: Annotated[str, typer.Option("--mask", help="Mask, as in 'msde list maskers'.")] = "surgical",
    seed: Annotated[int, typer.Option(min=0, help="Of all masks; the same seed gives the same pixels.")] = 0,
    landmarker: Annotated[
        str | None,
        typer.Option(help="What finds faces without landmarks; by default the average face, for aligned sets."),
    ] = None,
    check: Annotated[Path | None, typer.Option(help="A twin's hashes.csv: are these masks the same?")] = None,
    on_bad: Annotated[
        str | None, typer.Option(help="A row or image that cannot be read: error, or skip (default).")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="mask.KEY=VALUE, data.KEY=VALUE, faces.KEY=VALUE.")
    ] = None,
    json: Json = False,
) -> None:
    """Draw a mask on every unmasked face: a twin of the set, registered pixel by pixel, that others can make again.

    Every face ends with a mask, or in OUT/report.csv with the reason. Stopped, the next call goes on.
    """
    from msde_toolkit.data.masks import make_twin, place
    from msde_toolkit.data.masks.check import check_twin
    from msde_toolkit.data.masks.hashes import how, read_hashes
    from msde_toolkit.data.masks.twin import facts_of

    _check_options(out, check, on_bad)
    hashes = None if check is None else read_hashes(check)
    wanted = _open(what, root, name, seed, landmarker, on_bad, settings or [])
    found, drawer = wanted.found, wanted.drawer
    from msde_toolkit.cli.counting import counting

    with counting("Looking for faces") as progress:
        placing = place(found.dataset, found.manifest, wanted.finder, skip_unreadable=wanted.skip, progress=progress)
    twin = comparison = None
    if out is not None:
        with counting("Drawing masks") as progress:
            twin = make_twin(
                found.dataset,
                found.manifest,
                placing,
                drawer,
                out,
                options=found.options,
                skip_unreadable=wanted.skip,
                progress=progress,
            )
    if hashes is not None:
        made_by = how(facts_of(found.manifest, drawer, placing, found.options))
        with counting("Comparing") as progress:
            comparison = check_twin(found.dataset, placing, drawer, hashes, made_by, folder=out, progress=progress)
    _tell(wanted, twin, comparison, json)
    if comparison is not None and not comparison.passed:
        raise typer.Exit(1)


def _check_options(out: Path | None, check: Path | None, on_bad: str | None) -> None:
    from msde_toolkit.errors import InputError

    if out is None and check is None:
        message = "Where to? --out DIR: pictures, manifest.parquet, hashes.csv and report.csv are written there."
        raise InputError(message)
    if on_bad not in (None, "error", "skip"):
        message = f"--on-bad {on_bad}: expected error or skip."
        raise InputError(message)


def _open(
    what: str,
    root: Path | None,
    name: str,
    seed: int,
    landmarker: str | None,
    on_bad: str | None,
    settings: list[str],
) -> _Wanted:
    from msde_toolkit.create import create_masker
    from msde_toolkit.data.faces import Finder
    from msde_toolkit.data.masking import MaskDrawer
    from msde_toolkit.data.masks.open_set import open_set
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.errors import InputError
    from msde_toolkit.registry import shown_name

    tables = parse_settings(settings, roles=("mask", "data", "faces"))
    if tables["faces"] and landmarker is None:
        message = f"--set faces.{next(iter(tables['faces']))}: nothing looks for faces; name it with --landmarker."
        raise InputError(message)
    drawer = MaskDrawer(create_masker(name, tables["mask"]), shown_name(name), seed)
    finder = None if landmarker is None else Finder.create(landmarker, tables["faces"])
    return _Wanted(open_set(what, root, tables["data"], on_bad), drawer, finder, on_bad != "error")


def _tell(wanted: _Wanted, twin: Twin | None, comparison: Comparison | None, json: bool) -> None:
    if json:
        from msde_toolkit.cli.console import print_json

        told = {} if twin is None else _document(wanted, twin)
        print_json(told if comparison is None else {**told, "check": comparison.summary()})
        return
    if twin is not None:
        _show(wanted, twin)
    if comparison is not None:
        _show_check(comparison)


def _document(wanted: _Wanted, twin: Twin) -> dict[str, Any]:
    from msde_toolkit.data.masks.leak import numeric_parameters, told_by_eyes, told_by_masks
    from msde_toolkit.data.masks.published import beside_published

    table = twin.by_class()
    told = told_by_masks(twin.placing.all, twin.drawn)
    eyes = told_by_eyes(twin.manifest, twin.drawn)
    return {
        "name": twin.manifest.name,
        "directory": str(twin.folder),
        "synthetic": twin.manifest.synthetic,
        "mask": wanted.drawer.name,
        "seed": wanted.drawer.seed,
        "landmarker": None if twin.placing.found_by is None else twin.placing.found_by.as_dict(),
        "sources": int(table["sources"].iloc[-1]),
        "masked": len(twin.drawn),
        "not_masked": len(twin.lost) + len(twin.rows_lost),
        "drawn_before": twin.before,
        "left_aside": twin.placing.left_aside,
        "placed_by_average_face": twin.average,
        "table": table.to_dict("records"),
        "mask_tells_label": told
        if isinstance(told, str)
        else {**asdict(told), "leaks": told.leaks, "parameters": numeric_parameters(twin.drawn)},
        "eyes_tell_label": None if eyes is None else asdict(eyes),
        "published": beside_published(twin.manifest, twin.placing.all, wanted.found.published),
        "overlay": list(_overlay(twin)),
        "notes": list(twin.manifest.notes),
        "bytes": twin.size,
    }


def _overlay(twin: Twin) -> tuple[str, ...]:
    from msde_toolkit.data.masking import overlay_notes

    return overlay_notes(twin.manifest)


def _show(wanted: _Wanted, twin: Twin) -> None:
    from rich.padding import Padding

    from msde_toolkit.cli.console import out
    from msde_toolkit.data.masks.hashes import HASHES
    from msde_toolkit.data.masks.twin import REPORT

    document = _document(wanted, twin)
    console = out()
    console.print(_table(document))
    lines = [
        f"{document['masked']:,} of {document['sources']:,} faces wear a mask ({wanted.drawer.name}, "
        f"seed {wanted.drawer.seed}), {twin.size / 1e6:,.1f} MB"
    ]
    if twin.before:
        lines.append(f"{twin.before:,} of them were there from an earlier call")
    if document["not_masked"]:
        lines.append(f"{document['not_masked']:,} are not masked; each with its reason: {twin.folder / REPORT}")
    lines += _told(document["mask_tells_label"], document["eyes_tell_label"])
    lines += [*document["published"], *document["overlay"]]
    for line in lines:
        console.print(Padding(line, (0, 0, 0, 2), expand=False), soft_wrap=False)
    for note in twin.manifest.notes:
        console.print(Padding(note, (0, 0, 0, 2), expand=False), style="dim")
    console.print(f"  Make it again and compare: --check {twin.folder / HASHES}", soft_wrap=True)
    console.print(f"  Train on it: msde run --data table --root {twin.folder} --loss cl", soft_wrap=True)


def _table(document: Mapping[str, Any]) -> Any:
    """Faces and masks by class, and what was lost for which reason."""
    from msde_toolkit.cli.console import plain_table

    rows = document["table"]
    reasons = [key for key in rows[0] if key not in ("class", "sources", "masked")]
    synthetic = ", synthetic faces" if document["synthetic"] else ""
    table = plain_table(
        f"{document['name']}{synthetic}",
        *("Class", ">Faces", ">Masked"),
        *(f">{reason.replace('_', ' ')}" for reason in reasons),
    )
    for row in rows:
        table.add_row(row["class"], *(f"{row[key]:,}" for key in ("sources", "masked", *reasons)))
    return table


def _told(told: str | Mapping[str, Any], eyes: Mapping[str, Any] | None) -> list[str]:
    if isinstance(told, str):
        return [f"what the masks alone tell of the label was not asked: {told}"]
    numbers = f"; the masker's {', '.join(told['parameters'])}" if told["parameters"] else ""
    verdict = "a model can read the mask instead of the face" if told["leaks"] else "not above chance enough to use"
    lines = [
        f"the masks alone (area, place, height, width{numbers}) tell the label with accuracy "
        f"{100 * told['accuracy']:.1f} %, shuffled labels {100 * told['shuffled']:.1f} % (p {told['p']:.3f}, most "
        f"frequent class {100 * told['majority']:.1f} %, n = {told['masks']:,}): {verdict}"
    ]
    if eyes is not None and told["leaks"]:
        lines.append(
            f"where the eyes are in the picture tells it with {100 * eyes['accuracy']:.1f} %: so much is in the set's "
            "crops already, before a mask is drawn"
        )
    return lines


def _show_check(comparison: Comparison) -> None:
    from rich.padding import Padding

    from msde_toolkit.cli.console import out

    console = out()
    for line, style in _check_lines(comparison):
        console.print(Padding(line, (0, 0, 0, 2), expand=False), style=style)


def _check_lines(comparison: Comparison) -> list[tuple[str, str]]:
    summary = comparison.summary()
    count = len(comparison.hashes.samples)
    if comparison.passed:
        return [(f"The same twin: all {count:,} masked faces, their sources and alphas are equal in every pixel.", "")]
    lines = [(f"Not the same twin: {len(comparison.equal):,} of {count:,} are equal in every pixel.", "bold red")]
    told = {
        "source": "have other unmasked pixels than expected: another copy of the set, or another JPEG decoder",
        "mask": "have another mask on the same pixels",
        "size": "are of another size",
    }
    lines += [(f"{comparison.count(what):,} {words}", "") for what, words in told.items() if comparison.count(what)]  # type: ignore[arg-type]
    if summary["measured"]:
        lines.append(
            (
                f"masked pixels differ by {summary['mean_difference']:.2f} of 255 on average, "
                f"{summary['largest_difference']} at most ({summary['measured']:,} compared)",
                "",
            )
        )
    elif summary["estimated_rms"] is not None:
        lines.append(
            (f"root-mean-square difference about {summary['estimated_rms']:.1f} of 255, by their sketches", "")
        )
    for words, ids in (
        ("expected, and not masked here", list(comparison.missing)),
        ("masked here, and not expected", comparison.surplus),
        ("in --out not as they are drawn now: remove them, and they are drawn again", comparison.not_as_drawn),
    ):
        if ids:
            lines.append((f"{len(ids):,} {words} ({', '.join(ids[:3])}{', ...' if len(ids) > 3 else ''})", ""))
    if comparison.hashes.made_by and comparison.hashes.made_by != comparison.made_by:
        lines.append((f"expected masks were made by {comparison.hashes.made_by}", "dim"))
        lines.append((f"here they are made by {comparison.made_by}", "dim"))
    return lines
