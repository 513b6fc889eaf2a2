"""``msde data power``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msde_toolkit.results.power.detectable import Detectable
    from msde_toolkit.results.power.pilot import Variances

EXAMPLE = (
    "Example: msde data power --subjects 24,48,142   |   msde data power runs/A runs/B --repeats 5 --comparisons 4"
)


def power(
    run: Annotated[
        list[Path] | None,
        typer.Argument(help="Pilot: two finished runs on the same data, or one. None: assumed.", show_default=False),
    ] = None,
    subjects: Annotated[str, typer.Option(help="How many subjects the study might have.")] = "24,48,96,142",
    repeats: Annotated[int, typer.Option(help="Trainings of each method.")] = 5,
    power: Annotated[float, typer.Option(help="Chance to find the difference.")] = 0.8,
    comparisons: Annotated[int, typer.Option(help="Tests in the primary family: methods times conditions.")] = 1,
    images: Annotated[
        int | None, typer.Option(help="Without a pilot: images of a subject in a condition (default: 7).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the drawn studies.")] = 0,
    json: Json = False,
) -> None:
    """Before collecting photos: how small a difference between two methods could so many subjects show?"""
    from dataclasses import asdict

    from msde_toolkit.cli.console import print_json
    from msde_toolkit.results.power.detectable import detectable

    counts = _counts(subjects)
    pilots = _pilots(run or [], images)
    rows = [
        row
        for pilot in pilots
        for row in detectable(pilot, counts, repeats, power=power, comparisons=comparisons, seed=seed)
    ]
    if json:
        asked = {"power": power, "comparisons": comparisons, "repeats": repeats, "seed": seed}
        print_json({**asked, "variances": [asdict(one) for one in pilots], "rows": [asdict(row) for row in rows]})
        return
    _show(rows, pilots, power, comparisons, seed)


def _counts(words: str) -> list[int]:
    from msde_toolkit.errors import InputError

    try:
        return [int(word) for word in words.split(",")]
    except ValueError as error:
        message = f"--subjects {words}: expected whole numbers with commas between them, such as 24,48,142."
        raise InputError(message) from error


def _pilots(runs: list[Path], images: int | None) -> list[Variances]:
    from msde_toolkit.errors import InputError
    from msde_toolkit.results.open_run import open_run
    from msde_toolkit.results.power.pilot import IMAGES, assumed, of_runs

    if runs and images is not None:
        message = "--images: a pilot has as many as it has; leave the option out."
        raise InputError(message)
    if images is not None and not 1 <= images <= 10_000:
        message = f"--images {images}: expected 1 to 10000."
        raise InputError(message)
    return of_runs([open_run(path) for path in runs]) if runs else [assumed(images or IMAGES)]


def _show(rows: Sequence[Detectable], pilots: Sequence[Variances], power: float, comparisons: int, seed: int) -> None:
    from msde_toolkit.cli.console import out, plain_table, print_notes
    from msde_toolkit.results.power.detectable import STUDIES

    table = plain_table(
        f"Smallest difference in accuracy found with power {power:g}, points",
        "Images", ">Subjects", ">Repeats", ">Of these models", ">Of the methods",
        caption="Of these models: sign flips. Of the methods: 95 % interval over subjects and repeats, not adjusted.",
    )  # fmt: skip
    faces = {"nm": "NM", "m": "M"}
    for row in rows:
        ends = [_points(row.models), _points(row.method)]
        mark = " (!)" if row.unreliable else ""
        table.add_row(faces.get(row.condition, row.condition), f"{row.subjects:,}{mark}", str(row.repeats), *ends)
    out().print(table)
    notes = [f"{pilot.condition}: {pilot.about}" if len(pilots) > 1 else pilot.about for pilot in pilots]
    notes.append(f"{STUDIES} drawn studies a row, seed {seed}; family of {comparisons} (p below .05 / {comparisons})")
    if any(row.unreliable for row in rows):
        notes.append("(!) fewer than 30 subjects: intervals of such a study are called unreliable")
    print_notes(notes)


def _points(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
