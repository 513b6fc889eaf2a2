"""A comparison as tables of words, for a terminal and for Markdown; accuracies in percent, differences in points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msde_toolkit.results.as_text import markdown_table, one_line
from msde_toolkit.results.compare.comparison import Comparison, Difference, Ends, Gap
from msde_toolkit.results.compare.measures import RECALL
from msde_toolkit.results.data_words import data_words

FACES = {"nm": "NM", "m": "M", "average": "average"}
METRICS = {"accuracy": "accuracy", "balanced_accuracy": "mean recall", "macro_f1": "macro-F1", RECALL: "recall"}
TESTS = {
    "obuchowski": "McNemar, Obuchowski",
    "durkalski": "McNemar, Durkalski",
    "resampled_t": "corrected resampled t",
    "plain": "plain McNemar",
    "exact": "plain McNemar, exact",
}
NONE = "-"


@dataclass(frozen=True)
class Table:
    """Words in rows.

    Attributes:
        title: what it is, of what data.
        headings: of the columns; those that start with ``>`` hold numbers.
        rows: as many words each.
        notes: under it.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def tables(found: Comparison, *, everything: bool = False) -> list[Table]:
    """All tables that have rows; ``everything`` adds metrics beside accuracy and every view of the gap."""
    made = [
        _scores(found),
        _differences(found),
        _beside(found),
        _maintains(found),
        _gaps(found, everything=everything),
        *([_others(found)] if everything else []),
    ]
    return [table for table in made if table.rows]


def data_of(found: Comparison) -> str:
    """The data in words."""
    name = data_words(str(found.data["dataset"]), synthetic=bool(found.data["synthetic"]))
    count = f"{found.data['subjects']:,} subjects" if found.data["unit"] == "subject" else "subjects unknown"
    return f"{name}, {found.data['images']:,} images, {count}"


def _scores(found: Comparison) -> Table:
    conditions = list(dict.fromkeys(row.condition for row in found.scores))
    known = {(row.method, row.condition): row for row in found.scores if row.metric == "accuracy"}
    rows = []
    for method in found.methods:
        cells = [known.get((method.name, word)) for word in conditions]
        accuracies = (
            NONE if cell is None else _percent(cell.value, cell.ci95, unreliable=cell.unreliable) for cell in cells
        )
        times = f"{method.folds} x {method.repeats}"
        rows.append((_base(found, method.name), *accuracies, method.trained_on or NONE, method.pretraining, times))
    headings = ("Method", *(f">{FACES.get(word, word)}" for word in conditions))
    title = f"Held-out accuracy, percent [95 %], on {data_of(found)}"
    trained = ("Trained on", "Pretraining", ">Folds x repeats")
    return Table(title, (*headings, *trained), tuple(rows), (f"Intervals speak of {found.estimand}.",))


def _differences(found: Comparison) -> Table:
    rows = [row for row in found.differences if row.metric == "accuracy"]
    primary = any(row.family == "primary" for row in rows)
    words = tuple((row.method, FACES.get(row.condition, row.condition), *_tested(row)) for row in rows)
    kind = "primary family: Holm; the rest exploratory: BH" if primary else "exploratory, none declared before"
    note = "Better or worse: adjusted p below .05, and an interval without zero."
    return Table(f"Accuracy minus that of {found.baseline}, points ({kind})", _HEADINGS, words, (note,))


_HEADINGS = ("Method", "Faces", ">Difference [95 %]", ">p", ">Adjusted p", "Verdict", "Family", ">Images", ">Subjects")


def _tested(row: Difference) -> tuple[str, ...]:
    adjustment = "Holm" if row.adjustment == "holm" else "BH"
    told = _points(row.difference, row.ci95, unreliable=row.unreliable)
    adjusted = f"{p_word(row.p_adjusted)} {adjustment}"
    return (told, p_word(row.p), adjusted, row.verdict, row.family, f"{row.n:,}", f"{row.subjects:,}")


def _beside(found: Comparison) -> Table:
    """A row a difference, a column a test; what is said of a test is said once."""
    kinds = list(dict.fromkeys(row.test for row in found.beside))
    known = {(row.method, row.condition, row.test): row for row in found.beside}
    rows = []
    for method, condition in dict.fromkeys((row.method, row.condition) for row in found.beside):
        there = [known.get((method, condition, kind)) for kind in kinds]
        cells = [NONE if row is None else p_word(row.p) for row in there]
        detectable = next((row.detectable for row in there if row is not None and row.detectable is not None), None)
        cells.append(NONE if detectable is None else f"{100 * detectable:.1f}")
        rows.append((method, FACES.get(condition, condition), *cells))
    said = dict.fromkeys(f"{TESTS[row.test]}: {row.note}." for row in found.beside if row.note)
    note = "Not adjusted, no second chance. Detectable: points that the t test would find with power .8."
    headings = ("Method", "Faces", *(f">{TESTS[kind]}" for kind in kinds), ">Detectable")
    title = f"Other tests of the differences from {found.baseline} in accuracy, p"
    return Table(title, headings, tuple(rows), (note, *said))


def _maintains(found: Comparison) -> Table:
    rows = tuple(
        (
            row.method,
            f"{100 * row.difference:+.1f}",
            NONE if row.low is None else f"{100 * row.low:+.1f}",
            f"{100 * row.margin:g}, {'declared' if row.declared else 'not declared'}",
            row.verdict,
        )
        for row in found.maintains
    )
    headings = ("Method", ">Difference", ">Lower end", ">Margin", "Verdict")
    return Table(f"Does a method maintain the NM accuracy of {found.baseline}? (points)", headings, rows)


def _gaps(found: Comparison, *, everything: bool) -> Table:
    decided = {(row.over, row.labels) for row in found.gaps if row.change is not None}
    shown = [row for row in found.gaps if everything or (row.over, row.labels) in decided]
    rows = tuple(_gap(row, found) for row in shown)
    headings = (
        "Method", "Over", "Labels", "Alike", ">Gap [95 %]", ">Change [95 %]", ">Adjusted p", "Verdict", ">Images"
    )  # fmt: skip
    note = "Exploratory. Alike: whether images or classes weigh alike. A gap closes, too, where NM gets worse."
    return Table(f"Gap NM minus M, and its change from {found.baseline}, points", headings, rows, (note,))


def _gap(row: Gap, found: Comparison) -> tuple[str, ...]:
    change = NONE if row.change is None else _points(row.change, row.change_ci95, unreliable=row.unreliable)
    adjusted = NONE if row.p_adjusted is None else f"{p_word(row.p_adjusted)} BH"
    gap = _points(row.gap, row.ci95, unreliable=row.unreliable)
    name = _base(found, row.method)
    return (name, row.over, row.labels, row.weighing, gap, change, adjusted, row.verdict or NONE, f"{row.n:,}")


def _others(found: Comparison) -> Table:
    rows = [row for row in found.differences if row.metric != "accuracy"]
    words = tuple(
        (
            row.method,
            FACES.get(row.condition, row.condition),
            f"{METRICS[row.metric]}{'' if row.label is None else f' {row.label}'}",
            *_tested(row),
        )
        for row in rows
    )
    headings = (*_HEADINGS[:2], "Metric", *_HEADINGS[2:])
    return Table(f"Other metrics minus those of {found.baseline}, points (exploratory)", headings, words)


def marks(found: Comparison) -> list[str]:
    """What the mark in the tables stands for."""
    of_rows = [
        *(row.unreliable for row in found.scores),
        *(row.unreliable for row in found.differences),
        *(row.unreliable for row in found.gaps),
    ]
    reasons = sorted({why for why in of_rows if why is not None})
    return [f"(!) unreliable interval: {'; '.join(reasons)}"] if reasons else []


def _base(found: Comparison, name: str) -> str:
    return f"{name} (baseline)" if name == found.baseline != "baseline" else name


def _percent(value: float, ends: Ends, *, unreliable: str | None) -> str:
    told = "" if ends is None else f" [{100 * ends[0]:.1f}, {100 * ends[1]:.1f}]"
    return f"{100 * value:.1f}{told}{' (!)' if unreliable else ''}"


def _points(value: float, ends: Ends, *, unreliable: str | None) -> str:
    told = "" if ends is None else f" [{100 * ends[0]:+.1f}, {100 * ends[1]:+.1f}]"
    return f"{100 * value:+.1f}{told}{' (!)' if unreliable else ''}"


def p_word(p: float) -> str:
    """A p value with three digits."""
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def markdown(found: Comparison) -> str:
    """The whole comparison, nothing in it taken for HTML."""
    parts = [f"# Comparison with {one_line(found.baseline)}"]
    for table in tables(found, everything=True):
        headings = [word.removeprefix(">") for word in table.headings]
        lines = [f"## {one_line(table.title)}", "", *markdown_table(headings, table.rows)]
        parts.append("\n".join([*lines, *(f"\n{one_line(note)}" for note in table.notes)]))
    parts.append("\n".join(f"- {one_line(text)}" for text in told(found)))
    return "\n\n".join(parts) + "\n"


def told(found: Comparison) -> Iterator[str]:
    """Warnings, notes and what the mark means."""
    yield from found.warnings
    yield from found.notes
    yield from marks(found)
