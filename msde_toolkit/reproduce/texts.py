"""A ledger as text: for a terminal, Markdown, LaTeX with booktabs, CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from msde_toolkit.files import written_to
from msde_toolkit.reproduce.ledger import Ledger, Reproduction
from msde_toolkit.reproduce.rows import COUNT, NOT_COMPARABLE, Row
from msde_toolkit.results.as_text import as_csv, markdown_table, one_line
from msde_toolkit.results.run_store import write_json, write_text

COUNTED = ("table1", "table2")
TITLES = {"nm": "NM", "m": "M", "average": "average"}
NONE = "-"
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "_": r"\_",
        "^": r"\^{}", "~": r"\~{}", "<": r"\textless{}", ">": r"\textgreater{}",
    }
)  # fmt: skip


def headings(ledger: Ledger) -> tuple[str, ...]:
    """Of the columns of ``cells``: those that say something for this table."""
    method = "Method (trained on)" if _trained_differently(ledger) else "Method"
    first = [method] if any(row.method for row in ledger.rows) else []
    first += ["Class"] if any(row.label for row in ledger.rows) else []
    last = ["Difference"] if any(row.difference is not None for row in ledger.rows) else []
    last += ["Verdict"] if any(row.verdict != NOT_COMPARABLE for row in ledger.rows) else []
    if all(row.unit == COUNT for row in ledger.rows):
        return (*first, "Images", "Ours", "Paper", *last)
    return (*first, "Faces", "Ours, % [95 %]", "Folds", "n", "Paper, %", *last)


def cells(ledger: Ledger) -> list[tuple[str, ...]]:
    """A row of words each; accuracies in percent."""
    return [_cells(row, headings(ledger)) for row in ledger.rows]


def _cells(row: Row, wanted: Sequence[str]) -> tuple[str, ...]:
    condition = TITLES.get(row.condition, row.condition)
    interval = "" if row.ci95 is None else f" [{100 * row.ci95[0]:.1f}, {100 * row.ci95[1]:.1f}]"
    mark = " (!)" if row.unreliable else ""
    known = {
        "Method": row.method or "",
        "Method (trained on)": f"{row.method} ({row.trained_on})",
        "Class": row.label or "",
        "Images": condition,
        "Faces": condition,
        "Ours": _number(row.ours, row),
        "Ours, % [95 %]": f"{_number(row.ours, row)}{interval}{mark}",
        "Folds": _number(row.mean_of_folds, row),
        "n": NONE if row.n is None else f"{row.n:,}",
        "Paper": _number(row.paper, row),
        "Paper, %": _number(row.paper, row, digits=2),
        "Difference": NONE if row.difference is None else _signed(row),
        "Verdict": row.verdict.replace("_", " "),
    }
    return tuple(known[name] for name in wanted)


def _number(value: float | None, row: Row, digits: int = 1) -> str:
    if value is None:
        return NONE
    return f"{value:,.0f}" if row.unit == COUNT else f"{100 * value:.{digits}f}"


def _signed(row: Row) -> str:
    assert row.difference is not None
    return f"{row.difference:+,.0f}" if row.unit == COUNT else f"{100 * row.difference:+.1f}"


def _trained_differently(ledger: Ledger) -> bool:
    return len({row.trained_on for row in ledger.rows if row.trained_on}) > 1


def caption(ledger: Ledger, done: Reproduction) -> str:
    """What a table is, and of what."""
    number = ledger.name.removeprefix("table")
    told = f"; ours: {done.data}, {done.protocol}" if ledger.name not in COUNTED else ""
    return f"Table {number}. {ledger.title}{told}."


def footnotes(ledger: Ledger) -> list[str]:
    """Under a table, with the mark that stands in it."""
    marks = sorted({row.unreliable for row in ledger.rows if row.unreliable})
    return [*ledger.notes, *(f"(!) unreliable interval: {why}" for why in marks)]


def markdown(done: Reproduction) -> str:
    """Tables with their notes, then the figures."""
    parts = []
    for ledger in done.tables:
        lines = [f"## {one_line(caption(ledger, done))}", "", *markdown_table(headings(ledger), cells(ledger))]
        lines += ["", *(f"- {one_line(note)}" for note in (*done.notes, *footnotes(ledger)))]
        parts.append("\n".join(lines))
    for figure in done.figures:
        lines = [f"## Figure {figure.name.removeprefix('fig')}. {figure.title}", ""]
        for picture in figure.pictures:
            lines += [f"![{one_line(figure.title)}]({picture.relative_to(done.directory).as_posix()})", ""]
        parts.append("\n".join([*lines, *(f"- {one_line(note)}" for note in figure.notes)]))
    return "\n\n".join(parts) + "\n"


def latex(done: Reproduction) -> str:
    r"""Tables for ``\usepackage{booktabs}``, a float each."""
    parts = []
    for ledger in done.tables:
        head = headings(ledger)
        columns = "".join("r" if name in RIGHT else "l" for name in head)
        rows = [" & ".join(map(_escaped, row)) + r" \\" for row in cells(ledger)]
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_escaped(caption(ledger, done))}}}",
            rf"\label{{tab:msde-{ledger.name}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            " & ".join(map(_escaped, head)) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\footnotesize {_escaped(note)}" for note in (*done.notes, *footnotes(ledger))),
            r"\end{table}",
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


RIGHT = frozenset({"Ours", "Ours, % [95 %]", "Folds", "n", "Paper", "Paper, %", "Difference"})


def _escaped(text: str) -> str:
    return " ".join(text.split()).translate(_LATEX)


def csv_of(done: Reproduction) -> str:
    """All rows, fractions as in JSON."""
    return as_csv(row.as_dict() for ledger in done.tables for row in ledger.rows)


def write(done: Reproduction) -> None:
    """Every table in every form, each file whole or not at all.

    Raises:
        InputError: if the folder cannot be written to.
    """
    forms = {".md": markdown, ".tex": latex, ".csv": csv_of}
    folder = done.directory / "tables"
    with written_to(done.directory):
        for ledger in done.tables:
            alone = replace(done, tables=(ledger,), figures=())
            for ending, form in forms.items():
                write_text(folder / f"{ledger.name}{ending}", form(alone))
            write_json(folder / f"{ledger.name}.json", alone.as_dict())
