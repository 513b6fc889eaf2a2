"""Subjects and pairs that a split divides."""

from msde_toolkit.data.audit import audit


def test_a_subject_on_both_sides(material, found):
    there = material(
        subject=["a", "a", "b", "b", None, None], split=["train", "test", "train", "train", "train", "test"]
    )
    overlap = found(there)["subject_overlap"]
    assert (overlap.severity, overlap.rows, overlap.examples) == ("severe", 2, ("i000", "i001"))
    assert overlap.counts == {"test": 1, "train": 1}
    assert "2 samples are of subjects" in overlap.message


def test_subjects_that_keep_to_their_side_are_no_finding(material):
    done = audit(material(subject=["a", "a", "b"], split=["train", "train", "test"]))
    assert "subject_overlap" in done.passed
    assert not done.severe


def test_unsplit_samples_are_on_no_side(material, found):
    assert "subject_overlap" not in found(
        material(subject=["a", "a", "b", "c"], split=["train", None, "test", "train"])
    )


def test_what_does_not_apply_says_why(material):
    done = audit(material(subject=[None, None], split=["train", "test"]))
    assert done.not_applicable["subject_overlap"] == "subjects are unknown"
    assert done.not_applicable["pair_split"] == done.not_applicable["pair_label_mismatch"] == "there are no pairs"
    done = audit(material(subject=["a", "a"], pair=["p", "p"], condition=["nm", "m"]))
    assert done.not_applicable["subject_overlap"].startswith("no split")
    assert done.not_applicable["pair_split"].startswith("no split")


def test_a_divided_pair(material, found):
    pairs = {"pair": ["p", "p", "q", "q", None], "condition": ["nm", "m"] * 2 + ["nm"]}
    split = found(material(**pairs, split=["train", "test", "train", "train", "test"]))["pair_split"]
    assert (split.severity, split.rows, split.examples) == ("severe", 2, ("i000", "i001"))
    assert "pair_split" not in found(material(**pairs, split=["train", "train", "test", "test", "test"]))


def test_a_pair_of_two_labels(material, found):
    pairs = {"pair": ["p", "p", "q", "q", None, None], "condition": ["nm", "m"] * 3}
    differ = found(material(**pairs, label=[1, 2, 3, 3, 4, 5]))["pair_label_mismatch"]
    assert (differ.severity, differ.rows, differ.examples) == ("warning", 2, ("i000", "i001"))
    assert "pair_label_mismatch" not in found(material(**pairs, label=[1, 1, 3, 3, 4, 5]))
