"""Checks of who stands where: subjects and pairs that a split or a fold divides, pairs whose labels differ."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.data.audit.finding import DoesNotApply, Finding, found
from msde_toolkit.data.audit.material import Material


def subject_overlap(material: Material) -> list[Finding]:
    """Subjects on both sides of a split, or held out by one fold and trained on in it."""
    subjects = material.manifest.frame["subject"]
    if subjects.isna().all():
        message = "subjects are unknown"
        raise DoesNotApply(message)
    return found(
        "subject_overlap",
        "severe",
        material,
        _on_several_sides(material, subjects),
        f"{{rows}} samples are of subjects that stand on several sides of the {material.side_word}: a model is tested "
        "on people whom it has seen.",
        "Divide by subject: leave the samples out of one side, or drop the split and let msde run assign folds.",
        material.sides,
    )


def pair_split(material: Material) -> list[Finding]:
    """Pairs with one image on one side of a split and the other on the other."""
    pairs = _pairs(material)
    return found(
        "pair_split",
        "severe",
        material,
        _on_several_sides(material, pairs),
        f"{{rows}} samples are of pairs that the {material.side_word} divides: a test image's partner was trained on.",
        "Keep both images of a pair on one side.",
        material.sides,
    )


def pair_label_mismatch(material: Material) -> list[Finding]:
    """Pairs whose images carry different labels."""
    frame = material.manifest.frame
    differ = frame.groupby(_pairs(material))["label"].transform("nunique") > 1
    return found(
        "pair_label_mismatch",
        "warning",
        material,
        differ.fillna(False).to_numpy(dtype=bool),
        "{rows} samples are of pairs whose two images have different labels: losses on pairs pull them together all "
        "the same.",
        "Look at them and correct a label, or empty their pair so that they are trained on singly.",
        frame["condition"].to_numpy(dtype=object),
    )


def _pairs(material: Material) -> pd.Series:
    pairs = material.manifest.frame["pair"]
    if not pairs.duplicated()[pairs.notna()].any():
        message = "there are no pairs"
        raise DoesNotApply(message)
    return pairs


def _on_several_sides(material: Material, groups: pd.Series) -> npt.NDArray[np.bool_]:
    if not material.divided:
        message = "no split: msde run assigns folds that divide no subject and no pair"
        raise DoesNotApply(message)
    return material.on_several_sides(groups)
