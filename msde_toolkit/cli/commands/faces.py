"""``msde data faces``."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from msde_toolkit.data.faces import CutFaces

EXAMPLE = (
    "Example: msde data faces folder --root photos --out faces   |   "
    "msde data faces folder --root photos --out faces --overrides faces/review.csv"
)


def faces(
    name: Annotated[str, typer.Argument(help="Dataset of photos, as in 'msde list datasets'.")],
    out: Annotated[Path, typer.Option(help="Folder for the crops, empty or written by this command.")],
    root: Annotated[Path | None, typer.Option(help="Where the photos are.")] = None,
    landmarker: Annotated[str, typer.Option(help="What finds the faces, as in 'msde list landmarkers'.")] = "dlib",
    overrides: Annotated[
        Path | None, typer.Option(help="The review list with its column choice filled in: 2, x,y,w,h, eyes ..., drop.")
    ] = None,
    on_bad: Annotated[
        str | None, typer.Option(help="A row or photo that cannot be read: error, or skip (default).")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="recipe.margin=0.2, recipe.size=224, faces.KEY=VALUE, data.KEY=VALUE."),
    ] = None,
    json: Json = False,
) -> None:
    """Find the face in each photo and cut it out, aligned by the eyes, alike with and without a mask.

    Photos with no face or with several are listed in OUT/review.csv and left out, with the other image of their pair.
    """
    from msde_toolkit.cli.console import print_json
    from msde_toolkit.data.faces import Finder, Recipe, cut_faces
    from msde_toolkit.data.source import open_source, with_on_bad
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.options import validated

    tables = parse_settings(settings or [], roles=("recipe", "faces", "data"))
    _check_on_bad(on_bad)
    recipe = validated(Recipe, tables["recipe"], "recipe.")
    finder = Finder.create(landmarker, tables["faces"])
    options = dict(tables["data"]) if _drawn(name) else with_on_bad(name, tables["data"], on_bad)
    source = open_source(name, root, options)
    with _stages() as progress:
        done = cut_faces(
            source.dataset,
            source.manifest,
            finder,
            out,
            recipe=recipe,
            overrides=overrides,
            skip_unreadable=on_bad != "error",
            progress=progress,
        )
    if json:
        print_json(_document(done, str(recipe), finder.as_dict()))
    else:
        _show(done, str(recipe), str(finder))


def _check_on_bad(on_bad: str | None) -> None:
    from msde_toolkit.errors import InputError

    if on_bad not in (None, "error", "skip"):
        message = f"--on-bad {on_bad}: expected error or skip."
        raise InputError(message)


def _drawn(name: str) -> bool:
    """Whether the dataset reads no files, and so knows no bad rows."""
    from msde_toolkit.create import create_dataset

    return "on_bad" not in type(create_dataset(name)).Options.model_fields


@contextmanager
def _stages() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """A bar for each stage, one after the other."""
    from contextlib import ExitStack

    from msde_toolkit.cli.counting import counting

    with ExitStack() as shown:

        def begin(title: str) -> Callable[[int, int], None]:
            shown.close()
            return shown.enter_context(counting(title))

        yield begin


def _document(done: CutFaces, recipe: str, landmarker: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": done.manifest.name,
        "directory": str(done.folder),
        "synthetic": done.manifest.synthetic,
        "recipe": recipe,
        "landmarker": landmarker,
        "samples": len(done.decided.manifest),
        "cut": len(done.manifest),
        "pairs": len(done.manifest.pairs()),
        "review": done.decided.unsettled,
        "conditions": done.decided.by_condition(),
        "eye_distance": {
            "min": round(min(done.eye_distances), 1),
            "median": round(statistics.median(done.eye_distances), 1),
        },
        "upscaled": done.upscaled,
        "beyond_edge": done.beyond_edge,
        "notes": list(done.manifest.notes),
    }


def _show(done: CutFaces, recipe: str, landmarker: str) -> None:
    from msde_toolkit.cli.console import out
    from msde_toolkit.data.faces.folder import FAILURES
    from msde_toolkit.data.faces.review import REVIEW

    console = out()
    if done.decided.lost:
        console.print(_table(done))
    cut, samples = len(done.manifest), len(done.decided.manifest)
    drawn = " (synthetic faces)" if done.manifest.synthetic else ""
    lines = [
        f"{cut:,} of {samples:,} photos cut{drawn}; found by {landmarker}; {recipe}",
        f"eyes are {statistics.median(done.eye_distances):.0f} px apart in the median photo, "
        f"{min(done.eye_distances):.0f} px at least",
    ]
    if done.upscaled:
        lines.append(f"{done.upscaled:,} faces are smaller than the crop and were enlarged")
    if done.beyond_edge:
        lines.append(f"{done.beyond_edge:,} crops reach beyond their photo by a twentieth or more: its edge goes on")
    if unsettled := done.decided.unsettled:
        review = done.folder / REVIEW
        lines.append(f"{unsettled:,} photos to look at are in {review}: fill in its column choice,")
        lines.append(f"then run this again with --overrides {review}")
        lines.append("another landmarker, or other options of this one, may find more: msde list landmarkers [NAME]")
    if done.decided.lost:
        lines.append(f"what was lost, by condition, class and subject: {done.folder / FAILURES}")
    for line in lines:
        console.print(f"  {line}", soft_wrap=True)
    for note in done.manifest.notes:
        console.print(f"  {note}", style="dim", soft_wrap=True)
    console.print(f"  Train on them: msde run --data table --root {done.folder}", soft_wrap=True)


def _table(done: CutFaces) -> Any:
    """Samples without a crop, by class and condition."""
    from msde_toolkit.cli.console import plain_table

    photos = done.decided.manifest
    failures = done.decided.failures()
    titles = [f">{condition.upper()} lost" for condition in photos.conditions]
    table = plain_table("Lost, with their pairs", "Class", *titles)
    for name in [*photos.classes, "total"]:
        cells = []
        for condition in photos.conditions:
            rows = failures[failures["condition"] == condition]
            rows = rows if name == "total" else rows[rows["class"] == name]
            samples, cut = int(rows["samples"].sum()), int(rows["cut"].sum())
            cells.append(f"{samples - cut:,} of {samples:,}" if samples else "-")
        table.add_row(name, *cells)
    return table
