"""``msde runs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from msde_toolkit.cli.console import Json

EXAMPLE = "Example: msde runs   |   msde runs results --json"


def runs(
    folder: Annotated[Path, typer.Argument(help="Where to look.")] = Path("runs"),
    json: Json = False,
) -> None:
    """List runs: finished ones with their accuracy, others with how to go on."""
    from msde_toolkit.cli.console import out, plain_table, print_json
    from msde_toolkit.cli.tables import percent
    from msde_toolkit.errors import InputError
    from msde_toolkit.results.run_store import find_runs

    if not folder.is_dir() and folder != Path("runs"):
        message = f"{folder}: no such folder."
        raise InputError(message)
    found = [_describe(path) for path in find_runs(folder)]
    if json:
        print_json(found)
        return
    if not found:
        out().print(f"No runs in {folder}/. Start one: msde run --model scan --loss cl")
        return
    table = plain_table(
        f"Runs in {folder}/ (held-out accuracy, percent)",
        "Run", "Method", "Data", "Pretraining", "Status", ">NM", ">M",
    )  # fmt: skip
    for row in found:
        data = f"{row['data']} (synthetic)" if row["synthetic"] and row["data"] != "synthetic" else row["data"]
        method = f"{row['model']} + {row['loss']}" if row["model"] else None
        status = f"{row['status']}, {row['preset']}" if row["preset"] else row["status"]
        words = [row["run"], method, data, row["pretraining"], status]
        table.add_row(*(str(word or "-") for word in words), percent(row["nm"]), percent(row["m"]))
    out().print(table)


def _describe(path: Path) -> dict[str, Any]:
    import tomllib

    from msde_toolkit.errors import InputError
    from msde_toolkit.results.ledger import seen_by
    from msde_toolkit.results.run_store import CONFIG, SUMMARY, read_json
    from msde_toolkit.results.taint import tainted

    keys = ("model", "loss", "data", "pretraining", "preset", "synthetic", "unsound", "tainted", "nm", "m", "seen")
    row: dict[str, Any] = dict.fromkeys(keys)
    row = {"run": path.name, "directory": str(path), "status": "unfinished", **row}
    try:
        config = tomllib.loads((path / CONFIG).read_text(encoding="utf-8"))
        row.update({key: config[key] for key in ("model", "loss", "data", "preset")})
        if (path / SUMMARY).is_file():
            summary = read_json(path / SUMMARY)
            row.update({key: summary[key] for key in ("status", "synthetic", "pretraining")})
            if summary.get("unsound"):
                row.update(status="complete, UNSOUND", unsound=summary["unsound"])
            for word in ("nm", "m"):
                metrics = summary["metrics"][word]
                row[word] = None if metrics is None else metrics["accuracy"]["pooled"]
    except (OSError, ValueError, KeyError, TypeError, InputError):
        row["status"] = "damaged"
    row["seen"] = seen_by(path)
    if marks := tainted(path):
        row.update(status=f"{row['status']}, TAINTED", tainted=list(marks))
    return row
