"""``cross-dataset`` on runs whose answers are known: every number by hand, every gap named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_memory_run import InMemoryRun

from msde_crossdataset.analysis import CrossDataset
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import AnalysisContext
from msde_toolkit.types import CLASSES, Manifest

SURPRISE, FEAR = CLASSES.index("surprise"), CLASSES.index("fear")


@dataclass
class Answered(InMemoryRun):
    """A run with answers given by sample id and repeat, as logits of 4 for the answer and 0 for the rest."""

    answers: object = None
    times: int = 1

    @property
    def predictions(self):
        frame = self.manifest.frame[["id", "subject", "pair", "condition", "label"]].copy()
        parts = []
        for repeat in range(self.times):
            answer = [self.answers(row, repeat) for row in frame.itertuples()]
            logits = [list(4.0 * np.eye(len(CLASSES))[index]) for index in answer]
            parts.append(frame.assign(fold="00", repeat=repeat, seed=0, logits=logits, predicted=answer))
        return pd.concat(parts, ignore_index=True)


def faces(name, *, pairing="reshot", people=8, labels=range(7), synthetic=False, subjects=True):
    rows = [
        {
            "id": f"{name}{person}-{number}-{condition}",
            "subject": f"{name}{person}" if subjects else None,
            "pair": f"{name}{person}-{number}",
            "label": label,
            "condition": condition,
            "pairing": pairing,
        }
        for person in range(people)
        for number, label in enumerate(labels)
        for condition in ("nm", "m")
    ]
    return Manifest.from_frame(pd.DataFrame(rows), name, synthetic=synthetic)


def right(row, repeat):
    return row.label


def wrong(row, repeat):
    return (row.label + 1) % len(CLASSES)


def without_mask(row, repeat):
    """Right where there is no mask."""
    return row.label if row.condition == "nm" else wrong(row, repeat)


def training(name, train_on, answers, *, manifest=None, times=1):
    summary = {"train_on": train_on, "dataset": "home"}
    manifest = faces("home", pairing="overlay") if manifest is None else manifest
    return Answered(manifest, {}, name=name, summary=summary, answers=answers, times=times, directory=Path(name))


def abroad(source, manifest, answers, name=None, notes=()):
    before = {"run": source.name, "dataset": "home"}
    summary = {**source.summary, "dataset": manifest.name, "evaluates": before, "notes": list(notes)}
    name = name or f"{source.name}--{manifest.name}"
    return replace(source, manifest=manifest, name=name, summary=summary, answers=answers)


def analysed(*runs, **options):
    context = AnalysisContext(runs, Path("nowhere"))
    return CrossDataset(CrossDataset.Options(**options)).run(context)


@pytest.fixture
def study():
    """At home everything is right; away unmasked models fail under masks, and masked ones under worn masks only."""
    unmasked, masked = training("bare", "nm", right), training("covered", "m", right)
    worn, drawn = faces("away"), faces("away", pairing="overlay")
    return [
        unmasked,
        masked,
        abroad(unmasked, worn, without_mask, notes=["7 samples of contempt left out"]),
        abroad(masked, worn, without_mask),
        abroad(masked, drawn, right, "covered--drawn"),
    ]


def rows(table, **wanted):
    for key, value in wanted.items():
        table = table[table[key] == value]
    return table


def test_each_cell_has_the_accuracy_of_its_answers(study):
    table = analysed(*study).tables["accuracy"]
    found = {
        (row.trained, row.tested_on, row.faces): row.accuracy for row in table.itertuples() if row.tested_on == "target"
    }
    assert found == {
        ("unmasked", "target", "NM"): 1.0,
        ("unmasked", "target", "M"): 0.0,
        ("masked", "target", "NM"): 1.0,
        ("masked", "target", "M"): 0.0,
        ("masked", "target", "drawn masks"): 1.0,
    }
    assert set(table["images"]) == {56}


def test_domain_and_mask_are_told_apart(study):
    table = analysed(*study).tables["effects"].set_index("effect")["difference"]
    assert table.to_dict() == {
        "domain, no masks": 0.0,
        "domain, masks": 0.0,
        "domain x mask": 0.0,
        "mask, never seen": 1.0,
        "training on masks": 0.0,
        "Fig. 7(a) minus (b)": 1.0,
        "drawn minus worn": 1.0,
    }


def test_differences_on_the_same_people_are_paired(study):
    """People differ much, each by the same amount under a mask: hardly any interval, its parts have one."""
    able = {f"away{person}" for person in range(4)}

    def sometimes(row, repeat):
        drops = row.condition == "m" and row.label == 0
        return row.label if (row.subject in able or row.label == 0) and not drops else wrong(row, repeat)

    source = study[0]
    result = analysed(source, abroad(source, study[2].manifest, sometimes))
    effect = rows(result.tables["effects"], effect="mask, never seen").iloc[0]
    part = rows(result.tables["accuracy"], tested_on="target", faces="NM").iloc[0]
    assert effect["difference"] == pytest.approx(1 / 7)
    assert effect["difference_high"] - effect["difference_low"] < 1e-9
    assert part["accuracy_high"] - part["accuracy_low"] > 0.4


def test_repeats_that_differ_widen_the_interval(study):
    source, away = study[0], study[2].manifest

    def second_fails(row, repeat):
        return row.label if repeat == 0 else wrong(row, repeat)

    twice = replace(source, times=2)
    result = analysed(twice, abroad(twice, away, second_fails))
    row = rows(result.tables["accuracy"], tested_on="target", faces="NM").iloc[0]
    assert (row["accuracy"], row["accuracy_low"], row["accuracy_high"]) == (0.5, 0.0, 1.0)
    assert "subjects and 2 repeats" in result.summary["interval"]
    assert "2 repeats say little of how training varies" in result.summary["interval"]


def test_matrices_hold_shares_of_the_true_class_with_intervals(study):
    def fear_is_surprise(row, repeat):
        return SURPRISE if row.label == FEAR else row.label

    source = study[0]
    result = analysed(source, abroad(source, study[2].manifest, fear_is_surprise))
    cell = rows(result.tables["matrices"], faces="NM", truth="fear", predicted="surprise").iloc[0]
    assert (cell["count"], cell["share"], cell["share_high"]) == (8, 1.0, 1.0)
    assert cell["share_low"] == pytest.approx(0.025 ** (1 / 8)), "all of 8 people: Clopper and Pearson's bound"
    shares = result.tables["matrices"].groupby(["faces", "truth"])["share"].sum()
    assert np.allclose(shares, 1.0)


def test_the_papers_claims_are_decided_by_intervals(study):
    def fear_is_surprise(row, repeat):
        return SURPRISE if row.label == FEAR else row.label

    source, away = study[0], study[2].manifest
    held = analysed(source, abroad(source, away, fear_is_surprise)).tables["claims"]
    claim = rows(held, claim="fear is taken for surprise").iloc[0]
    assert (claim["here"], claim["difference"]) == ("holds", 1.0)
    denied = analysed(source, abroad(source, away, lambda row, _: CLASSES.index("sad"))).tables["claims"]
    assert rows(denied, claim="fear is taken for surprise").iloc[0]["here"] == "does not hold"
    assert analysed(*study).summary["verdict_against_the_paper"] == "not_comparable"


def test_priors_are_corrected_by_their_log_ratio():
    """Classes 0 and 1, evenly trained and 7 to 1 in the target; a model in doubt leans to the frequent one."""
    source = training("bare", "nm", right, manifest=faces("home", labels=[0, 1], pairing="overlay"))
    away = faces("away", labels=[0] * 7 + [1])

    class Doubting(Answered):
        @property
        def predictions(self):
            table = super().predictions
            logits = [[0.9, 1.0, *[-9.0] * 5]] * len(table)
            return table.assign(logits=logits, predicted=1)

    evaluation = abroad(source, away, right)
    evaluation = Doubting(**{name: getattr(evaluation, name) for name in evaluation.__dataclass_fields__})
    result = analysed(source, evaluation)
    row = rows(result.tables["accuracy"], tested_on="target", faces="NM").iloc[0]
    assert row["accuracy"] == 1 / 8
    assert row["corrected_logits"] == 7 / 8
    assert row["mean_recall"] == row["at_source_priors"] == 0.5
    priors = result.tables["priors"].set_index("class")
    assert priors.loc[CLASSES[0]].tolist()[:2] == [0.5, 7 / 8]


def test_what_is_missing_and_what_was_left_aside_is_said(study):
    mixed = training("mixed", "mix", right)
    result = analysed(study[0], study[2], mixed)
    assert "masked models on the target's M" in result.summary["missing"]
    assert result.summary["left_aside"] == {"mixed": "trained on mix"}
    assert result.summary["label_and_face_notes"] == ["7 samples of contempt left out"]
    assert set(result.figures) == {"fig7", "effects"}
    assert any("7 samples of contempt" in section.text for section in result.sections)


def test_unknown_subjects_and_few_of_them_are_said(study):
    source = study[0]
    unknown = abroad(source, faces("away", subjects=False), right)
    assert "Subjects are unknown: likely too narrow" in analysed(source, unknown).summary["interval"]
    assert "Only 8 subjects: unreliable" in analysed(*study).summary["interval"]


def test_synthetic_is_written_on_everything(study):
    drawn = [replace(run, manifest=replace(run.manifest, synthetic=True)) for run in study]
    result = analysed(*drawn)
    assert all(table["synthetic"].all() for table in result.tables.values())
    for figure in result.figures.values():
        assert any(text.get_gid() == "synthetic" for text in figure.texts)
    assert result.sections[0].text.startswith("Drawn faces only")
    assert not any(table["synthetic"].any() for table in analysed(*study).tables.values())


def test_the_same_seed_gives_the_same_intervals(study):
    first, again = (analysed(*study).tables["matrices"] for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


@pytest.mark.parametrize(
    ("pick", "options", "message"),
    [
        (slice(0, 2), {}, "nothing given is an evaluation of a run on another dataset"),
        (slice(0, 5), {"target": "mars"}, "analysis.target = mars: there is away"),
        (slice(0, 5), {"masked": "bare"}, "analysis.masked = bare: there is covered"),
        (slice(2, 5), {}, "no run trained on unmasked or on masked faces alone is tested on away"),
    ],
)
def test_runs_that_are_no_such_study_are_refused(study, pick, options, message):
    with pytest.raises(InputError, match=message):
        analysed(*study[pick], **options)


def test_a_choice_is_asked_for_where_there_are_several(study):
    second = training("scan", "nm", right)
    both = [*study, second, abroad(second, study[2].manifest, right)]
    with pytest.raises(InputError, match=r"2 runs are trained unmasked \(bare, scan\): choose one: --set analysis.unm"):
        analysed(*both)
    assert analysed(*both, unmasked="scan").summary["runs"]["unmasked"] == "scan"
    elsewhere = abroad(study[0], replace(study[2].manifest, name="mars"), right)
    with pytest.raises(InputError, match="2 datasets are tested on"):
        analysed(*study, elsewhere)
