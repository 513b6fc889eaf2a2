"""``msde export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from msde_toolkit.cli.console import Json

EXAMPLE = (
    "Example: msde export runs/A --format onnx   |   msde export runs/A --format safetensors --fold all --out models"
)


def export(
    run: Annotated[Path, typer.Argument(help="A finished run.", show_default=False)],
    kind: Annotated[str, typer.Option("--format", help="onnx or safetensors.", show_default=False)],
    fold: Annotated[str | None, typer.Option(help="Name of a fold, or all (default: the first).")] = None,
    repeat: Annotated[int, typer.Option(help="Of which repeat, from 0.")] = 0,
    out: Annotated[Path | None, typer.Option(help="File, or a folder (default: here, named after the run).")] = None,
    root: Annotated[Path | None, typer.Option(help="Where the run's dataset is now, if it moved.")] = None,
    json: Json = False,
) -> None:
    """Write a run's models as files for others, with what must be known of them inside."""
    from msde_toolkit.cli.console import err, labelled, print_json
    from msde_toolkit.cli.console import out as results
    from msde_toolkit.engine.export.export import export as write
    from msde_toolkit.results.open_run import open_run

    opened = open_run(run, root)
    done = write(opened, kind, fold=fold, repeat=repeat, out=out)
    if json:
        files = [
            {
                "file": str(one.file),
                "fold": one.fold,
                "repeat": one.repeat,
                "max_abs_difference": one.difference,
                "checked_with": one.checked_with or None,
                "metadata": one.facts,
            }
            for one in done
        ]
        print_json({"run": opened.name, "format": kind, "synthetic": opened.synthetic, "files": files})
        return
    for one in done:
        check = "" if one.difference is None else f"; logits within {one.difference:.1g} of torch's, {one.checked_with}"
        results().print(f"{one.file}: fold {one.fold}, repeat {one.repeat}{check}", soft_wrap=True)
    total = len(opened.summary["folds"]) * opened.repeats
    results().print(f"  {len(done)} of the run's {total} models; its accuracies are of all together.", soft_wrap=True)
    if opened.synthetic:
        err().print(
            labelled("Synthetic:", "trained on drawings, no result about a person.", "bold red"), soft_wrap=True
        )
    for reason in [*(opened.summary.get("unsound") or []), *opened.tainted]:
        err().print(labelled("Caution:", reason, "bold red"), soft_wrap=True)
