"""The five methods of the paper's Table 5, trained and tested by the same protocol, as one resumable job.

    python benchmarks/five_methods.py synthetic
    python benchmarks/five_methods.py fer2013 --root fer2013.csv

All see the same pairs (``--train-on pairs``), preset quick with all 142 subjects of the synthetic twin, three repeats,
no pretraining. Stopped at any moment, the next call goes on; finished runs are read, not trained again. Ends with a
Markdown table on stdout, every number of it from the runs' stored predictions.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msde_toolkit as msde
from msde_toolkit.cli.run_display import RunDisplay
from msde_toolkit.engine.run import resume
from msde_toolkit.results.run_store import RunStore, read_json

METHODS: Mapping[str, Mapping[str, Any]] = {
    "baseline": {"model": "resnet18", "loss": "ce", "train_on": "pairs"},
    "CL": {"model": "resnet18", "loss": "cl"},
    "KD": {"model": "resnet18", "loss": "kd"},
    "RAN": {"model": "ran", "loss": "ce", "train_on": "pairs"},
    "SCAN": {"model": "scan", "loss": "ce", "train_on": "pairs"},
}
DATA: Mapping[str, Mapping[str, Any]] = {
    "synthetic": {"data": "synthetic", "set_data": {"subjects": 142}},
    "fer2013": {"data": "fer2013", "mask": "surgical"},
}
REPEATS = 3


def finished(data: str, root: Path | None, folder: Path, methods: list[str]) -> Iterator[tuple[str, Path]]:
    """Each method's finished run; trained, or gone on with, where it is not."""
    for method in methods:
        directory = folder / data / method.lower()
        store = RunStore(directory)
        with RunDisplay() as display:
            if store.summary.is_file():
                pass
            elif store.config.is_file():
                resume(directory, listeners=[display], progress=display.decoding)
            else:
                # Not "auto": on a busy machine the probe could choose another precision for one of the five.
                values = {**METHODS[method], **DATA[data], "root": root, "repeats": REPEATS, "precision": "fp32"}
                msde.run(msde.RunConfig.create(**values), out=directory, listeners=[display], progress=display.decoding)
        yield method, directory


def table(runs: Mapping[str, Path]) -> str:
    """Markdown: a row a method."""
    columns = (
        *("method", "model, loss", "parameters", "pretraining", "NM", "M", "average"),
        *("lowest to highest repeat, NM and M", "n"),
    )
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for method, directory in runs.items():
        run = msde.open_run(directory)
        summary = run.summary
        found = summary["metrics"]
        cells = [
            method,
            f"{summary['model']}, {summary['loss']}",
            f"{summary['parameters']['total'] / 1e6:.1f} M",
            summary["pretraining"],
            *(_accuracy(found[word]) for word in ("nm", "m", "average")),
            f"{_range(directory, 'nm')} and {_range(directory, 'm')}",
            f"{found['nm']['n']} NM, {found['m']['n']} M",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _accuracy(found: Mapping[str, Any]) -> str:
    accuracy = found["accuracy"]
    low, high = accuracy["ci95"]
    return f"{100 * accuracy['pooled']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _range(directory: Path, condition: str) -> str:
    """Lowest and highest accuracy among the repeats, each over all folds."""
    predictions = msde.open_run(directory).predictions
    predictions = predictions[predictions["condition"] == condition]
    right = (predictions["predicted"] == predictions["label"]).groupby(predictions["repeat"]).mean()
    return f"{100 * right.min():.1f} to {100 * right.max():.1f}"


def main() -> None:
    """Train what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=sorted(DATA))
    parser.add_argument("--root", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/five-methods"), help="where the runs are kept")
    parser.add_argument("--only", nargs="+", choices=list(METHODS), default=list(METHODS))
    arguments = parser.parse_args()
    runs = dict(finished(arguments.data, arguments.root, arguments.runs, arguments.only))
    print(table(runs))
    for line in dict.fromkeys(note for run in runs.values() for note in read_json(RunStore(run).summary)["notes"]):
        print(f"- {line}")


if __name__ == "__main__":
    main()
