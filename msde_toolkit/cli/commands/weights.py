"""``msde weights``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from msde_toolkit.interfaces import Model

EXAMPLE_INSPECT = "Example: msde weights inspect resnet18_msceleb.pth --model ran --set model.backbone=resnet18"
EXAMPLE_CONVERT = "Example: msde weights convert resnet50_ft_weight.pkl vggface2.safetensors"
EXAMPLE_GET = "Example: msde weights get   |   msde weights get resnet18"

File = Annotated[Path, typer.Argument(help="A .safetensors, .pth or .pkl file.", show_default=False)]
ModelName = Annotated[str | None, typer.Option(help="For this model, as in 'msde list models'.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="model.KEY=VALUE.")]
Classes = Annotated[int, typer.Option(help="Number of classes of the model.")]


def inspect(
    file: File,
    model: ModelName = None,
    settings: Settings = None,
    classes: Classes = 7,
    json: Json = False,
) -> None:
    """Say what a weights file holds, and what of a model it would fill. Runs nothing that is in it."""
    from msde_toolkit.cli.console import out, plain_table, print_json
    from msde_toolkit.files import sha256_of
    from msde_toolkit.weights import layout, load_into, read_weights
    from msde_toolkit.weights.read import name_of, of_file

    content = read_weights(file)
    network = _network(model, settings, classes)
    report = None if network is None else load_into(network, file)
    with of_file(file):
        found = layout(content, name=name_of(file)).name if report is None else report.layout
    tensors = list(_tensors(content))
    count = sum(row["count"] for row in tensors)
    document = {"file": file.name, "bytes": file.stat().st_size, "sha256": sha256_of(file), "layout": found}
    if json:
        filled = None if report is None else report.as_dict()
        print_json({**document, "numbers": count, "tensors": tensors, "model": model, "report": filled})
        return
    table = plain_table(f"{file.name}: {len(tensors)} tensors, {count:,} numbers", "Part", "Key", "Shape", "Type")
    for row in tensors:
        table.add_row(row["part"], row["key"], str(row["shape"]), row["dtype"])
    console = out()
    console.print(table)
    console.print(f"  sha256: {document['sha256']}", soft_wrap=True)
    if report is None:
        hint = " (--model NAME says whether it is that model's or its authors')" if found == "other" else ""
        console.print(f"  layout: {found}{hint}", soft_wrap=True)
        return
    for line in (f"{model}: {report.summary()}", *report.notes):
        console.print(f"  {line}", soft_wrap=True)


def convert(
    file: File,
    out: Annotated[Path, typer.Argument(help="The new .safetensors file.", show_default=False)],
    model: ModelName = None,
    settings: Settings = None,
    classes: Classes = 7,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the new file if it is there.")] = False,
    json: Json = False,
) -> None:
    """Write a weights file as .safetensors; with --model, by that model's own keys."""
    from msde_toolkit.cli.console import out as results
    from msde_toolkit.cli.console import print_json
    from msde_toolkit.files import sha256_of
    from msde_toolkit.weights.convert import convert as write

    name = write(file, out, _network(model, settings, classes), replace=force)
    if json:
        print_json({"file": str(out), "sha256": sha256_of(out), "layout": name, "source_sha256": sha256_of(file)})
        return
    results().print(f"{out}: {name} layout, sha256 {sha256_of(out)}", soft_wrap=True)


def get(
    name: Annotated[str | None, typer.Argument(help="Without a name: list them.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Download published weights, checked by their hash, and say under which terms they are."""
    from msde_toolkit.cli.console import out, print_json
    from msde_toolkit.errors import InputError
    from msde_toolkit.options import nearest
    from msde_toolkit.weights.published import PUBLISHED, published_file

    if name is None:
        _list(json)
        return
    if name not in PUBLISHED:
        message = f"No weights are known as {name!r}. {nearest(name, list(PUBLISHED)).replace('Options', 'Known')}"
        raise InputError(message)
    entry = PUBLISHED[name]
    if not entry.url:
        message = f"{name} cannot be downloaded from here: {entry.about}."
        raise InputError(message)
    file = published_file(entry.url, _bar(entry.url))
    from msde_toolkit.files import sha256_of

    if json:
        print_json({**_entry(name), "file": str(file), "sha256": sha256_of(file)})
        return
    out().print(f"{file}\n  sha256: {sha256_of(file)}\n  licence: {entry.licence}", soft_wrap=True)


def _list(json: bool) -> None:
    from msde_toolkit.cli.console import out, plain_table, print_json
    from msde_toolkit.weights.published import PUBLISHED

    if json:
        print_json([_entry(name) for name in PUBLISHED])
        return
    table = plain_table("Published weights", "Name", "What it is, or how to come by it", "Licence")
    for entry in PUBLISHED.values():
        table.add_row(entry.name, entry.about, entry.licence)
    out().print(table)


def _entry(name: str) -> dict[str, Any]:
    from dataclasses import asdict

    from msde_toolkit.weights.published import PUBLISHED

    return asdict(PUBLISHED[name])


def _network(name: str | None, settings: list[str] | None, classes: int) -> Model | None:
    from msde_toolkit.create import create_model
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.errors import InputError

    options = parse_settings(settings or [], roles=("model",))["model"]
    if name is None and options:
        message = "--set model.KEY=VALUE needs the model it is for: --model NAME."
        raise InputError(message)
    return None if name is None else create_model(name, classes=classes, options=options)


def _tensors(content: dict[str, Any], part: str = "") -> Iterator[dict[str, Any]]:
    import torch

    for key, value in content.items():
        if isinstance(value, dict):
            yield from _tensors(value, f"{part}.{key}".lstrip("."))
        elif isinstance(value, torch.Tensor):
            shape, kind = list(value.shape), str(value.dtype).removeprefix("torch.")
            yield {"part": part, "key": str(key), "shape": shape, "dtype": kind, "count": value.numel()}


def _bar(url: str) -> Any:
    """A progress bar on a terminal; one line elsewhere is not worth it for some seconds."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from msde_toolkit.cli.console import err

    console = err()
    if not console.is_terminal:
        return None
    bar = Progress(TextColumn(url), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console)
    task = bar.add_task(url)

    def moved(done: int, size: int) -> None:
        bar.update(task, completed=done, total=size or None)
        bar.refresh() if done < size else bar.stop()

    return moved
