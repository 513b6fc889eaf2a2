"""``msde evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from msde_toolkit.cli.console import Json

EXAMPLE = (
    "Example: msde evaluate runs/A --data fer2013 --root fer2013.csv --mask surgical   |   "
    "msde evaluate --predictions answers.csv --data synthetic"
)


def evaluate(
    run: Annotated[Path | None, typer.Argument(help="A finished run.", show_default=False)] = None,
    data: Annotated[str | None, typer.Option(help="Dataset, as in 'msde list datasets'.")] = None,
    root: Annotated[Path | None, typer.Option(help="Where the dataset is.")] = None,
    mask: Annotated[str | None, typer.Option(help="Draw this mask on every face, to make pairs.")] = None,
    split: Annotated[str | None, typer.Option(help="Only this one of the dataset's own splits, e.g. test.")] = None,
    faces: Annotated[
        str | None,
        typer.Option(help="Find faces by this landmarker and cut them by the run's recipe, as in 'msde data faces'."),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Instead of a run: a CSV or Parquet with id and probabilities or predicted.")
    ] = None,
    name: Annotated[str, typer.Option(help="What tables call the method behind --predictions.")] = "",
    on_bad: Annotated[str | None, typer.Option(help="A row that cannot be used: error (default) or skip.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="data., mask. or faces.KEY=VALUE.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder (default: runs/<date>-...).")] = None,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Test a finished run on other data, or score the predictions of an outside script; either becomes a run."""
    from msde_toolkit.cli.run_display import RunDisplay
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.engine.evaluate import Target
    from msde_toolkit.engine.evaluate import evaluate as of_run
    from msde_toolkit.engine.outside_predictions import evaluate_predictions
    from msde_toolkit.engine.provenance import command_line
    from msde_toolkit.errors import InputError

    if (run is None) == (predictions is None):
        message = "Give a finished run (msde evaluate RUN --data NAME) or a file (--predictions FILE), one of the two."
        raise InputError(message)
    if data is None:
        message = "On which data? --data NAME (see 'msde list datasets')."
        raise InputError(message)
    if name and run is not None:
        message = "--name belongs to --predictions; a run has its name."
        raise InputError(message)
    tables = parse_settings(settings or [], roles=("data", "mask", "faces"))
    if predictions is not None and (faces is not None or tables["faces"]):
        message = "--faces belongs to a run; the images behind --predictions are not looked at."
        raise InputError(message)
    if on_bad is not None:
        tables["data"]["on_bad"] = on_bad
    target = Target(data, root, mask, tables["data"], tables["mask"], split, faces, tables["faces"])
    with RunDisplay(quiet=quiet) as display:
        if predictions is not None:
            done = evaluate_predictions(predictions, target, name=name, out=out, command=command_line())
        else:
            assert run is not None
            told = {"progress": display.decoding, "searching": display.searching}
            done = of_run(run, target, out=out, **told, command=command_line())
    if json:
        from msde_toolkit.cli.console import print_json

        print_json({"directory": str(done.directory), **done.summary})
        return
    from msde_toolkit.cli.tables import print_summary

    print_summary(done.directory, done.summary)
