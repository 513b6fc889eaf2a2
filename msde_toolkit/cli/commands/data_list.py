"""``msde data list``."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

from msde_toolkit.cli.console import Json

EXAMPLE = "Example: msde data list   |   msde data list --json   |   msde list datasets rafdb"


def list_datasets(json: Json = False) -> None:
    """List the datasets that can be read: what each is, where --root points, its labels and licence."""
    from rich.padding import Padding

    from msde_toolkit.cli.console import labelled, out, print_json
    from msde_toolkit.data.installed import installed_datasets

    # What a plugin prints when it is imported is not ours to show as a result.
    with redirect_stdout(sys.stderr):
        found = installed_datasets()
    if json:
        print_json([dataset.as_dict() for dataset in found])
        return
    console = out()
    for dataset in found:
        if dataset.broken:
            console.print(labelled(dataset.info.name, f"cannot be used: {dataset.broken}", "bold red"))
            continue
        console.print(labelled(dataset.info.name, dataset.summary, "bold"))
        *others, last = [word for word in dataset.label_choices if word != "auto"] or [dataset.labels]
        labels = f"{', '.join(others)} or {last}" if others else last
        synthetic = "; synthetic faces" if dataset.synthetic else ""
        where = f"--root: {dataset.root or 'none, it is drawn'}"
        console.print(Padding(where, (0, 0, 0, 4), expand=False))
        console.print(
            Padding(f"labels: {labels}{synthetic}; licence: {dataset.licence}", (0, 0, 0, 4), expand=False), style="dim"
        )
    console.print(
        "Options of one: msde list datasets NAME. What it holds: msde data show NAME --root PATH", style="dim"
    )
