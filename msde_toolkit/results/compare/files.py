"""A comparison in files: everything as JSON, the rows as CSV, the tables as Markdown."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from msde_toolkit.files import written_to
from msde_toolkit.results.as_text import as_csv
from msde_toolkit.results.compare.comparison import Comparison
from msde_toolkit.results.compare.tables import markdown
from msde_toolkit.results.run_store import check_writable, write_json, write_text

ROWS = ("scores", "differences", "beside", "maintains", "gaps")


def write(found: Comparison, out: Path) -> list[Path]:
    """Write all files, each whole or not at all.

    Returns:
        The files.

    Raises:
        InputError: if the folder cannot be written to.
    """
    check_writable(out)
    texts = {f"{name}.csv": as_csv(asdict(row) for row in getattr(found, name)) for name in ROWS}
    texts = {name: text for name, text in texts.items() if text}
    with written_to(out):
        write_json(out / "comparison.json", found.as_dict())
        write_text(out / "comparison.md", markdown(found))
        for name, text in texts.items():
            write_text(out / name, text)
    return [out / name for name in ("comparison.json", "comparison.md", *texts)]
