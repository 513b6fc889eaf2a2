"""``msde reproduce``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msde_toolkit.reproduce import Ledger, Reproduction, Setup

EXAMPLE = (
    "Example: msde reproduce table5   |   msde reproduce all --data msde --root data/msde --preset paper   |   "
    "msde reproduce fig7 --data msde --root data/msde --source rafdb=data/rafdb"
)
Format = Literal["markdown", "latex", "csv"]


def reproduce(
    what: Annotated[list[str], typer.Argument(help="table1 to table6, fig5, fig6, fig7, or all.", show_default=False)],
    data: Annotated[str, typer.Option(help="Dataset, as in 'msde list datasets'.")] = "synthetic",
    root: Annotated[Path | None, typer.Option(help="Where the dataset is.")] = None,
    mask: Annotated[str | None, typer.Option(help="Draw this mask on every face, to make pairs.")] = None,
    preset: Annotated[str, typer.Option(help="quick or paper.")] = "quick",
    profile: Annotated[str, typer.Option(help="paper, or code: see 'msde list profiles'.")] = "paper",
    repeats: Annotated[int, typer.Option(help="Train every fold this many times.")] = 1,
    folds: Annotated[int | None, typer.Option(help="Number of folds (default: the preset's).")] = None,
    weights: Annotated[
        list[str] | None, typer.Option(help="Starting weights of all models, or MODEL=WEIGHTS; as for 'msde run'.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="For fig7: NAME=FOLDER of the dataset to train on.")] = None,
    source_mask: Annotated[str, typer.Option(help="For fig7: mask drawn on the source's faces.")] = "surgical",
    sets: Annotated[list[str] | None, typer.Option(help="For table1: NAME=FOLDER of a set to count in.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="ROLE.KEY=VALUE; roles data, mask, train.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of folds, weights, order and augmentation.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder (default: runs/reproduce-DATA-PRESET).")] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Print the tables in this form instead.", show_default=False)
    ] = None,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Set the paper's tables and figures beside yours; what is missing is trained, and goes on where it was stopped."""
    from msde_toolkit.cli.run_display import RunDisplay
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.errors import InputError
    from msde_toolkit.reproduce import Setup

    if json and form is not None:
        message = f"--json and --format {form}: leave one of the two out."
        raise InputError(message)
    setup = Setup(
        data=data, root=root, mask=mask, preset=preset, profile=profile, repeats=repeats, folds=folds, seed=seed,
        weights=dict(_weights(word) for word in weights or ()),
        settings=parse_settings(settings or [], roles=("data", "mask", "train")),
        source=None if source is None else _named_folder(source, "--source"),
        source_mask=source_mask, device=device, precision=precision, out=out,
    )  # fmt: skip
    counted = dict(_named_folder(word, "--sets") for word in sets or ())
    with RunDisplay(quiet=quiet) as display:
        done = _done(what, setup, counted, display, quiet=quiet)
    if json:
        from msde_toolkit.cli.console import print_json

        print_json(done.as_dict())
    else:
        _show(done, form)


def _weights(word: str) -> tuple[str, str]:
    """``MODEL=WEIGHTS``, or weights for all models."""
    model, sign, weights = word.partition("=")
    return (model, weights) if sign and "/" not in model else ("", word)


def _named_folder(word: str, option: str) -> tuple[str, Path]:
    from msde_toolkit.errors import InputError

    name, _, folder = word.partition("=")
    if not name or not folder:
        message = f"{option} {word}: expected NAME=FOLDER, such as rafdb=data/rafdb."
        raise InputError(message)
    return name, Path(folder).expanduser()


def _done(what: Sequence[str], setup: Setup, sets: dict[str, Path], display: Any, *, quiet: bool) -> Reproduction:
    from msde_toolkit.cli.console import err, track
    from msde_toolkit.engine.provenance import command_line
    from msde_toolkit.reproduce import Told, reproduce

    console = err()

    def say(line: str) -> None:
        if not quiet:
            console.print(line, style="bold", soft_wrap=True)

    told = Told((display,), display.decoding, command_line(), say, None if quiet else track)
    return reproduce(what, setup, sets=sets, told=told)


def _show(done: Reproduction, form: Format | None) -> None:
    from msde_toolkit.cli.console import out, print_notes
    from msde_toolkit.reproduce import texts

    if form is not None:
        print_it = {"markdown": texts.markdown, "latex": texts.latex, "csv": texts.csv_of}[form]
        typer.echo(print_it(done), nl=False)
        return
    console = out()
    for ledger in done.tables:
        _show_table(ledger, done)
    print_notes(done.notes)
    for figure in done.figures:
        console.print(f"\nFigure {figure.name.removeprefix('fig')}. {figure.title}", style="bold")
        print_notes(figure.notes)
        for picture in figure.pictures:
            console.print(f"  {picture}", soft_wrap=True)
    if done.tables:
        console.print(f"  Files: {done.directory / 'tables'}", soft_wrap=True)


def _show_table(ledger: Ledger, done: Reproduction) -> None:
    from msde_toolkit.cli.console import out, plain_table, print_notes
    from msde_toolkit.reproduce import texts

    heads = texts.headings(ledger)
    words = [f">{head}" if head in texts.RIGHT else head for head in heads]
    table = plain_table(texts.caption(ledger, done), *words)
    for row in texts.cells(ledger):
        table.add_row(*row)
    console = out()
    console.print(table)
    print_notes(texts.footnotes(ledger))
