"""Checks of a finished run: who was validated how often, and what chose the epoch."""

from __future__ import annotations

from msde_toolkit.data.audit.finding import DoesNotApply, Finding, found
from msde_toolkit.data.audit.material import Material, RunFacts

SEES_TEST = ("select =", "train.shared_teacher =")
"""So begin the reasons of an unsound run that let test data decide on the model."""


def validated_twice(material: Material) -> list[Finding]:
    """Samples that several folds of one repeat predict."""
    run = _run(material)
    _check_held_out(run)
    counts = run.predictions.groupby(["repeat", "id"]).size()
    twice = counts[counts > 1].index.get_level_values("id")
    return found(
        "validated_twice",
        "severe",
        material,
        material.manifest.frame["id"].isin(twice).to_numpy(),
        "{rows} samples were held out more than once in a repeat: they count twice in every pooled number.",
        "Run it again with folds that hold everyone out once (msde run does so by itself).",
        material.sides,
    )


def never_validated(material: Material) -> list[Finding]:
    """Samples that should have been held out and never were."""
    run = _run(material)
    _check_held_out(run)
    frame = material.manifest.frame
    missing = ~frame["id"].isin(run.predictions["id"]).to_numpy()
    if run.predictions["fold"].nunique() < 2 and material.manifest.split_names:
        missing &= (frame["split"] == "test").to_numpy()
    return found(
        "never_validated",
        "warning",
        material,
        missing,
        "{rows} samples were never held out: the run's numbers say nothing about them.",
        "Run it again with folds that hold everyone out once (msde run does so by itself).",
        frame["condition"].to_numpy(dtype=object),
    )


def selected_on_test(material: Material) -> list[Finding]:
    """A run whose epoch was chosen by the accuracy that it then reports."""
    run = _run(material)
    reasons = [str(reason) for reason in run.summary.get("unsound") or [] if str(reason).startswith(SEES_TEST)]
    chosen = run.summary.get("select") == "test" or bool(reasons)
    tested = material.manifest.frame["id"].isin(run.predictions["id"]).to_numpy()
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return found(
        "selected_on_test",
        "severe",
        material,
        tested & chosen,
        f"The test data had a say in the model that is tested on it{why}: all {{rows}} predictions are too good.",
        "Run it again with --select last, or --select inner, and a teacher that has not seen the test subjects.",
    )


def _run(material: Material) -> RunFacts:
    if material.run is None:
        message = "not a run"
        raise DoesNotApply(message)
    return material.run


def _check_held_out(run: RunFacts) -> None:
    if run.on_other_data:
        message = "the run's models were tested on other data, each on every sample"
        raise DoesNotApply(message)
