"""Conditions that go together with class, camera or session."""

import numpy as np
import pytest

from msde_toolkit.data.audit import audit
from msde_toolkit.data.audit.confounding import association

HALF = 70
CONDITION = ["nm"] * HALF + ["m"] * HALF
EVEN = [row % 7 for row in range(HALF)] * 2


def test_classes_of_one_condition_each_are_severe(material):
    [finding] = audit(material(condition=CONDITION, label=[row % 3 for row in range(HALF)] + [3] * HALF)).findings
    assert (finding.check, finding.severity, finding.rows) == ("condition_confounded", "severe", 2 * HALF)
    assert finding.counts == {"m": HALF, "nm": HALF}
    assert "Condition and class go together (Cramér's V 0.99" in finding.message


def test_a_class_that_is_mostly_masked_is_a_warning(material):
    label = [0] * 50 + [1] * 20 + [0] * 25 + [1] * 45
    [finding] = audit(material(condition=CONDITION, label=label)).findings
    assert (finding.check, finding.severity) == ("condition_confounded", "warning")


@pytest.mark.parametrize("column", ["camera", "session"])
def test_another_camera_or_session_for_the_mask(material, column):
    [finding] = audit(material(condition=CONDITION, label=EVEN, **{column: ["A"] * HALF + ["B"] * HALF})).findings
    assert (finding.check, finding.severity) == ("condition_confounded", "warning")
    assert f"Condition and {column} go together" in finding.message


def test_the_same_classes_and_cameras_in_both_are_no_finding(material):
    cameras = [f"c{row % 3}" for row in range(HALF)] * 2
    sessions = [f"s{row % 35}" for row in range(HALF)] * 2
    assert (
        "condition_confounded"
        in audit(material(condition=CONDITION, label=EVEN, camera=cameras, session=sessions)).passed
    )


def test_chance_is_no_finding(material):
    rng = np.random.default_rng(0)
    for _ in range(30):
        columns = {"label": rng.integers(0, 7, 60), "camera": [f"c{c}" for c in rng.integers(0, 12, 60)]}
        assert not audit(material(condition=["nm", "m"] * 30, **columns)).findings


def test_few_images_say_nothing(material):
    done = audit(material(condition=["nm"] * 19 + ["m"] * 19, label=[0] * 19 + [1] * 19))
    assert done.not_applicable["condition_confounded"] == "fewer than 20 samples in a condition"
    assert audit(material(label=[0, 1])).not_applicable["condition_confounded"] == "there is only one condition"


def test_association_of_known_tables():
    from scipy.stats import chi2_contingency

    for table in ([[30, 10], [12, 28]], [[20, 15, 9], [10, 15, 22], [14, 15, 16]], [[60, 40], [45, 55]]):
        counts = np.array(table)
        v, p = association(counts)
        assert p == pytest.approx(chi2_contingency(counts, correction=False).pvalue, abs=0.002)
        assert 0 <= v < 1
    assert association(np.array([[40, 0], [0, 40]]))[0] == pytest.approx(1)
    assert association(np.array([[40, 40], [40, 40]]))[0] == 0
