"""What the analysis says in words and in ``result.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msde_toolkit.cams import METHODS

if TYPE_CHECKING:
    import pandas as pd

    from msde_gradcam.explain import Explained
    from msde_gradcam.selection import Shown
    from msde_toolkit.interfaces import RunView


COARSE = 5
"""Cells along a side, below which the region's border is as wide as the region."""


def run_summary(
    run: RunView,
    shown: list[Shown],
    explained: Explained,
    samples: pd.DataFrame,
    energies: pd.DataFrame,
    faithful: pd.DataFrame,
    guess: dict[str, Any] | None,
    options: Any,
    seed: int,
) -> dict[str, Any]:
    """One run's part of ``result.json``."""
    table, drawn = explained.table, options.methods[0]
    ids = [sample for group in shown for sample in group.ids]
    measured = samples[samples["measured"]]
    return {
        "run": run.name,
        "title": run.title,
        "synthetic": run.synthetic,
        "method": METHODS[drawn],
        "target": options.target,
        "layer": explained.layer,
        "map_size": list(explained.maps[drawn].shape[1:]),
        "cell_pixels": explained.cell,
        "image_pixels": explained.side,
        "repeat": 0,
        "paired": shown[0].paired,
        "shown": sum(len(group.entries) for group in shown),
        "chosen": chosen_in_words(shown[0], seed),
        "maps": len(table),
        "measured": len(measured),
        "measured_in_words": _measured_in_words(shown[0], measured, run, options.measured, seed),
        "maps_without_positive_evidence": int((explained.maps[drawn].max(axis=(1, 2)) == 0).sum()),
        "predictions_not_reproduced": int((table["recomputed"] != table["predicted"]).sum()),
        "region": " and ".join(sorted(set(measured["region"]) - {""})) or None,
        "guessed_region": guess,
        "mask_energy": _energies(energies, drawn, "trained", "exact"),
        "mask_energy_eroded": _energies(energies, drawn, "trained", "eroded"),
        "mask_energy_dilated": _energies(energies, drawn, "trained", "dilated"),
        "random_weights": _energies(energies, drawn, "random", "exact"),
        "faithfulness": faithful.to_dict("records") or None,
        "faces_shown": True,
        "faces_note": faces_note(run, ids),
    }


def chosen_in_words(shown: Shown, seed: int) -> str:
    """How many are shown and how they were drawn."""
    count, what = len(shown.entries), "pair" if shown.paired else "image"
    several = "s" if count > 1 else ""
    return f"{count} held-out {what}{several}, drawn by seed {seed} from the classes in turn, right or wrong alike."


def headings(explained: Explained, classes: tuple[str, ...]) -> dict[str, str]:
    """Id to true class, predicted class, and whether that is right."""
    columns = (explained.table[name] for name in ("id", "label", "predicted"))
    return {
        sample: f"{classes[label]} → {classes[predicted]}: {'right' if label == predicted else 'wrong'}"
        for sample, label, predicted in zip(*columns, strict=True)
    }


def faces_note(run: RunView, ids: list[str]) -> str | None:
    """A warning where faces are shown that may not be published."""
    may = run.manifest.publishable()[run.manifest.rows_of(ids)]
    return None if may.all() else "contains faces without recorded consent to publish"


def run_sentence(summary: dict[str, Any]) -> str:
    """A paragraph for the terminal and the report."""
    lines = [
        f"{summary['run']}: {summary['method']} of the {summary['target']} class at layer {summary['layer']}; "
        f"mask energy of {summary['measured_in_words']}."
    ]
    for condition, found in (summary["mask_energy"] or {}).items():
        lines.append(_energy_sentence(condition, found))
    lines += [*_border_sentences(summary), *_control_sentences(summary), *_guess_sentences(summary)]
    for row in summary["faithfulness"] or []:
        lines.append(
            f"ROAD, {row['condition']}, {row['method']}: {row['road']:+.3f}{_ends(row, 'road', '+.3f')} "
            f"({row['n']} images{_doubt(row)})."
        )
    if summary["faces_note"]:
        lines.append(f"The figure {summary['faces_note']}.")
    return " ".join(lines)


def _energies(table: pd.DataFrame, method: str, weights: str, border: str) -> dict[str, Any] | None:
    """Of all classes together, by condition; right and wrong answers beside it."""
    if table.empty:
        return None
    kept = table[(table["method"] == method) & (table["weights"] == weights) & (table["border"] == border)]
    kept = kept[kept["class"] == "all"]
    found: dict[str, Any] = {}
    for row in ({str(key): value for key, value in row.items()} for row in kept.to_dict("records")):
        # A guess stands beside known masks only where a run lacks some; the known ones are told first.
        condition = str(row["condition"])
        one = {
            "energy_share": row["energy"],
            "ci95": _interval(row, "energy"),
            "area_share": row["area"],
            "lift": row["lift"],
            "lift_ci95": _interval(row, "lift"),
            "n": row["n"],
            "groups": row["subjects"],
            "interval_unit": row["interval_unit"],
            "few_groups": not row["reliable"],
            "region": row["region"],
        }
        place = f"{condition} ({row['region']})" if found.get(condition, one)["region"] != row["region"] else condition
        if row["right"] == "all":
            found[place] = one
        else:
            found[place][str(row["right"])] = one
    return found or None


def _interval(row: dict[str, Any], name: str) -> list[float] | None:
    ends = [row[f"{name}_low"], row[f"{name}_high"]]
    return None if any(end is None or end != end for end in ends) else ends


def _ends(row: dict[str, Any], name: str, form: str) -> str:
    ends = _interval(row, name)
    return "" if ends is None else f" [{ends[0]:{form}}, {ends[1]:{form}}]"


def _doubt(row: dict[str, Any]) -> str:
    return "" if row["reliable"] else ", too few subjects: the interval is unreliable"


def _energy_sentence(condition: str, found: dict[str, Any]) -> str:
    ends = f" [{found['lift_ci95'][0]:.2f}, {found['lift_ci95'][1]:.2f}]" if found["lift_ci95"] else ""
    doubt = ": too few, the interval is unreliable" if found["few_groups"] else ""
    counted = f"{found['n']} {{}} of {found['groups']} {found['interval_unit']}s{doubt}"
    if condition.startswith("m - nm"):
        return f"Masked minus unmasked, same region: lift {found['lift']:+.2f}{ends} ({counted.format('pairs')})."
    share = f" [{found['ci95'][0]:.1%}, {found['ci95'][1]:.1%}]" if found["ci95"] else ""
    sides = [f"{word} {found[word]['lift']:.2f} (n {found[word]['n']})" for word in ("right", "wrong") if word in found]
    apart = f", answers {', '.join(sides)}" if sides else ""
    where = "mask region" if found["region"] == "mask" else "guessed region of a mask"
    return (
        f"{condition}: {found['energy_share']:.1%}{share} of the map lies on the {where}, which covers "
        f"{found['area_share']:.1%} of the image: lift {found['lift']:.2f}{ends}{apart} ({counted.format('images')})."
    )


def _border_sentences(summary: dict[str, Any]) -> list[str]:
    if not summary["mask_energy"]:
        return []
    told = []
    for border in ("eroded", "dilated"):
        found = summary[f"mask_energy_{border}"] or {}
        lifts = [f"{name} {one['lift']:.2f}" for name, one in found.items() if "-" not in name]
        told.append(f"{border} {', '.join(lifts)}" if lifts else f"{border}: nothing of the region is left")
    cells = round(summary["image_pixels"] / summary["cell_pixels"])
    coarse = " So few cells cannot tell a mask from what is beside it." if cells < COARSE else ""
    return [f"Lift with the region's border moved by a cell ({cells} x {cells} cells): {'; '.join(told)}.{coarse}"]


def _control_sentences(summary: dict[str, Any]) -> list[str]:
    found = summary["random_weights"] or {}
    lifts = [f"{name} {one['lift']:.2f}" for name, one in found.items() if "-" not in name]
    return [f"Lift of the same network with random weights: {', '.join(lifts)}; of a uniform map: 1."] if lifts else []


def _guess_sentences(summary: dict[str, Any]) -> list[str]:
    guess = summary["guessed_region"]
    guessed = "average face" in (summary["region"] or "")
    if guess is None:
        return ["How far the guess is off cannot be measured here: no mask is known."] if guessed else []
    change = "" if guess["lift_change"] is None else f", and would change the lift by {guess['lift_change']:+.2f}"
    return [
        f"A region guessed from the average face overlaps the {guess['n']} known masks by {guess['iou']:.0%} "
        f"(intersection over union), covers {guess['area_ratio']:.2f} times their area{change}."
    ]


def _measured_in_words(shown: Shown, measured: pd.DataFrame, run: RunView, asked: int, seed: int) -> str:
    groups = len(set(run.manifest.groups()[run.manifest.rows_of(measured["id"])]))
    what = f"{len(measured) // 2} pairs" if shown.paired else f"{len(measured)} images"
    who = f" of {groups} subjects" if run.manifest.has_subjects else " (subjects unknown: intervals likely too narrow)"
    return f"{'all ' if not asked else ''}{what}{who}" + (f", drawn by seed {seed}" if asked else "")
