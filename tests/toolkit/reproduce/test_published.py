"""The paper's numbers, and what is said of ours beside them."""

from __future__ import annotations

import pytest

from msde_toolkit.errors import InputError
from msde_toolkit.reproduce import Setup
from msde_toolkit.reproduce.published import published
from msde_toolkit.reproduce.rows import Against, count_rows, set_rows


def test_the_printed_tables_hold_together_but_for_their_known_slips():
    counts = published().tables["table2"]
    sums = [nm + m for nm, m in zip(counts.nm, counts.m, strict=True)]
    wrong = [name for name, total, summed in zip(counts.classes, counts.total, sums, strict=True) if total != summed]
    assert wrong == ["sad"]
    assert (sum(counts.nm), sum(counts.m), sum(sums), sum(counts.pairs)) == (964, 996, 1960, 857)
    for row in published().tables["table5"].rows:
        assert row.average == pytest.approx((row.nm + row.m) / 2, abs=0.011 if row.method != "ran" else 0.21)
    recalls = {row.run: sum(row.recalls) / 7 for row in published().tables["table6"].rows}
    assert recalls["cl"] == pytest.approx(0.484, abs=1e-3)
    assert recalls["kd"] == pytest.approx(0.480, abs=1e-3)


def test_every_run_that_a_table_names_is_a_method():
    methods = {spec.name for spec in published().methods}
    parts = (*published().tables, *published().figures)
    assert {run for name in parts for run in published().methods_of(name)} == methods
    assert published().wanted(("fig6", "table1", "fig6")) == ("table1", "fig6")
    assert published().wanted(("all",)) == parts
    with pytest.raises(InputError, match="table11: no such table or figure"):
        published().wanted(("table11",))


@pytest.mark.parametrize(("more", "verdict"), [(0, "equal"), (3, "above"), (-3, "below")])
def test_counts_of_the_papers_own_data_are_judged(more, verdict):
    table = published().tables["table2"]
    counts = {word: [n + more for n in getattr(table, word)] for word in ("nm", "m", "total", "pairs")}
    rows = list(count_rows("table2", table, counts, Against("msde", synthetic=False, comparable=True)))
    assert {(row.difference, row.verdict) for row in rows} == {(more, verdict)}
    others = list(count_rows("table2", table, counts, Against("other", synthetic=False, comparable=False)))
    assert {(row.difference, row.verdict) for row in others} == {(None, "not_comparable")}


def test_sets_that_are_not_at_hand_are_not_measured():
    rows = {
        (row.method, row.condition): row
        for row in set_rows("t", published().tables["table1"], {"rafdb": {"occluded": 735}})
    }
    assert (rows["rafdb", "occluded"].difference, rows["rafdb", "occluded"].verdict) == (735 - 123, "above")
    assert {rows[key].verdict for key in rows if key != ("rafdb", "occluded")} == {"not_measured"}


def test_the_studies_are_what_the_paper_did():
    setup = Setup(weights={"scan": "run:x", "": "imagenet"}, profile="code", settings={"train": {"epochs": 1}})
    study = setup.study()
    assert study.family == ("cl", "kd", "scan", "ran")
    weights = {spec.name: spec.weights for spec in study.method}
    assert (weights["scan"], weights["scan-m"], weights["baseline"], weights["kd"]) == (
        "run:x",
        "run:x",
        "imagenet",
        "imagenet",
    )
    assert {spec.profile for spec in study.method} == {"code"}
    trained = {spec.name: spec.train_on for spec in study.method}
    assert (trained["baseline-nm"], trained["ran-m"], trained["baseline-mix"], trained["cl"]) == (
        "nm",
        "m",
        "mix",
        None,
    )
    across = setup.cross_study()
    assert across.data.set_data["pairing"] == "overlay"
    assert across.target[0].set_data["domain"] == "street"
    assert not Setup(data="msde").can_cross
    with pytest.raises(InputError, match="--source rafdb=FOLDER"):
        Setup(data="msde").cross_study()
    real = Setup(data="msde", source=("rafdb", None)).cross_study()
    assert (real.data.name, real.data.mask, real.target[0].data, real.target[0].mask) == (
        "rafdb",
        "surgical",
        "msde",
        None,
    )
