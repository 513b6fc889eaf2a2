"""``msde run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from msde_toolkit.cli.console import Json

EXAMPLE = (
    "Example: msde run --model scan --loss cl   |   msde run --study study.toml   |   "
    "msde run --model resnet18 --loss cl --data fer2013 --root fer2013.csv --mask surgical"
)


def run(
    model: Annotated[str | None, typer.Option(help="Model, as in 'msde list models'.")] = None,
    loss: Annotated[str | None, typer.Option(help="Training paradigm, as in 'msde list losses'.")] = None,
    data: Annotated[str | None, typer.Option(help="Dataset, as in 'msde list datasets' (default: synthetic).")] = None,
    root: Annotated[Path | None, typer.Option(help="Where the dataset is.")] = None,
    mask: Annotated[str | None, typer.Option(help="Draw this mask on every face, to make pairs.")] = None,
    train_on: Annotated[str | None, typer.Option(help="Train on: nm, m, mix or pairs.")] = None,
    weights: Annotated[
        str | None, typer.Option(help="Starting weights: none, imagenet, a file (strict) or run:DIR.")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(help="Of a loss with a teacher: auto (trained a fold, then shared) or run:DIR.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="paper (default) or code: see 'msde list profiles'.")] = None,
    preset: Annotated[str | None, typer.Option(help="quick (default) or paper.")] = None,
    folds: Annotated[str | None, typer.Option(help="Number of folds, or a folds.json.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Train every fold this many times.")] = None,
    select: Annotated[
        str | None, typer.Option(help="Epoch to keep: last (default), inner (inner split), test (unsound).")
    ] = None,
    on_bad: Annotated[str | None, typer.Option(help="A row that cannot be used: error (default) or skip.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="ROLE.KEY=VALUE; roles model, loss, data, mask, train.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file; the command line wins over it.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder (default: runs/<date>-...).")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the stopped run in this folder.")] = None,
    study: Annotated[
        Path | None, typer.Option(help="Several methods at once: a study's TOML file, or its folder to go on with it.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto (default), cpu, cuda or mps.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto (default), fp32 or bf16.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of folds, weights, order and augmentation.")] = None,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Train and test a model with a loss, every subject held out once."""
    given = {
        "model": model, "loss": loss, "data": data, "root": root, "mask": mask, "train_on": train_on,
        "weights": weights, "teacher": teacher, "profile": profile, "preset": preset, "folds": _folds(folds),
        "repeats": repeats, "select": select, "device": device, "precision": precision, "seed": seed,
    }  # fmt: skip
    if study is not None:
        from msde_toolkit.cli.commands.run_study import run_study

        others = {**given, "--set": settings, "config": config, "on_bad": on_bad, "resume": resume}
        _refuse("--study says all this in its file", others)
        run_study(study, out, json=json, quiet=quiet)
        return
    if resume is not None:
        others = {**given, "--set": settings, "config": config, "out": out, "on_bad": on_bad}
        _refuse("--resume goes on with the run as it was started", others)
    from msde_toolkit.cli.run_display import RunDisplay

    with RunDisplay(quiet=quiet) as display:
        result = _resume(resume, display) if resume else _start(given, settings or [], on_bad, config, out, display)
    if json:
        from msde_toolkit.cli.console import print_json

        print_json({"directory": str(result.directory), **result.summary})
        return
    from msde_toolkit.cli.tables import print_summary

    print_summary(result.directory, result.summary)


def _folds(text: str | None) -> int | Path | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        return Path(text)


def _refuse(why: str, others: dict[str, Any]) -> None:
    named = [f"--{name.removeprefix('--').replace('_', '-')}" for name, value in others.items() if value is not None]
    if named:
        from msde_toolkit.errors import InputError

        message = f"{why}; leave out {', '.join(named)}."
        raise InputError(message)


def _resume(directory: Path, display: Any) -> Any:
    from msde_toolkit.engine.run import resume

    return resume(directory, listeners=[display], progress=display.decoding)


def _start(
    given: dict[str, Any],
    settings: list[str],
    on_bad: str | None,
    config: Path | None,
    out: Path | None,
    display: Any,
) -> Any:
    from msde_toolkit.engine.config import RunConfig, load_config, parse_settings
    from msde_toolkit.engine.provenance import command_line
    from msde_toolkit.engine.run import run as start

    values = load_config(config) if config is not None else {}
    values.update({key: value for key, value in given.items() if value is not None})
    tables = parse_settings(settings)
    if on_bad is not None:
        tables["data"]["on_bad"] = on_bad
    for role, table in tables.items():
        values[f"set_{role}"] = {**values.get(f"set_{role}", {}), **table}
    return start(
        RunConfig.create(**values),
        out=out,
        listeners=[display],
        progress=display.decoding,
        command=command_line(),
    )
