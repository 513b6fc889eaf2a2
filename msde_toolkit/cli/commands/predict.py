"""``msde predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from msde_toolkit.engine.predict import Predictions

EXAMPLE = (
    "Example: msde predict runs/A photo.jpg --faces dlib   |   msde predict runs/A faces/ --cam --out said   "
    "(exit 1: some images could not be used; 2: none could)"
)


def predict(
    run: Annotated[Path, typer.Argument(help="A finished run.", show_default=False)],
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.", show_default=False)],
    faces: Annotated[
        str | None, typer.Option(help="Find the face by this landmarker and cut it by the run's recipe.")
    ] = None,
    cam: Annotated[bool, typer.Option("--cam", help="Also write pictures of where the models look.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for predictions.csv and pictures.")] = None,
    allow_synthetic: Annotated[
        bool, typer.Option("--allow-synthetic", help="Let a run trained on drawings speak of photos.")
    ] = False,
    settings: Annotated[list[str] | None, typer.Option("--set", help="faces.KEY=VALUE.")] = None,
    json: Json = False,
) -> None:
    """Say what a run's models see in photos. Nothing is uploaded, and nothing of the photos is kept in the cache."""
    from msde_toolkit.cli.console import print_json
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.engine.predict import predict as ask
    from msde_toolkit.results.open_run import open_run

    options = parse_settings(settings or [], roles=("faces",))["faces"]
    opened = open_run(run)
    done = ask(opened, images, faces=faces, set_faces=options, cam=cam, out=out, allow_synthetic=allow_synthetic)
    if json:
        print_json(_document(done))
    else:
        _print(done)
    failed = sum(bool(one.problem) for one in done.images)
    if failed:
        raise typer.Exit(2 if failed == len(done.images) else 1)


def _document(done: Predictions) -> dict[str, Any]:
    classes = done.run.classes
    rows = []
    for one in done.images:
        row: dict[str, Any] = {"image": one.image, "problem": one.problem or None, "predicted": None}
        if one.probabilities is not None:
            row["predicted"] = classes[one.predicted]
            for name in ("probabilities", "spread", "low", "high"):
                row[name] = dict(zip(classes, getattr(one, name).tolist(), strict=True))
            row |= {"agreeing": one.agreeing, "overlay": None if one.overlay is None else str(one.overlay)}
        rows.append(row | {"synthetic": done.run.synthetic})
    table = None if done.table is None else str(done.table)
    about = {"run": done.run.name, "synthetic": done.run.synthetic, "models": done.models, "notes": list(done.notes)}
    return {**about, "images": rows, "table": table}


def _print(done: Predictions) -> None:
    from msde_toolkit.cli.console import err, labelled, out, plain_table

    drawings = " (trained on drawings)" if done.run.synthetic else ""
    table = plain_table(
        f"{done.run.title}{drawings}", "Image", "Says", ">Probability", ">Spread", ">Models agree", "Then"
    )
    for one in done.images:
        if one.probabilities is None or one.spread is None:
            continue
        second = int(one.probabilities.argsort()[-2])
        table.add_row(
            one.image,
            done.run.classes[one.predicted],
            f"{one.probabilities[one.predicted]:.1%}",
            f"± {one.spread[one.predicted]:.1%}" if done.models > 1 else "-",
            f"{one.agreeing} of {done.models}",
            f"{done.run.classes[second]} {one.probabilities[second]:.1%}",
        )
    if table.row_count:
        out().print(table)
        for note in done.notes:
            out().print(f"  {note}", soft_wrap=True)
    for one in done.images:
        if one.problem:
            err().print(labelled("Left out:", f"{one.image}: {one.problem}", "yellow"), soft_wrap=True)
        if one.overlay is not None:
            out().print(str(one.overlay), soft_wrap=True)
    if done.table is not None:
        out().print(str(done.table), soft_wrap=True)
