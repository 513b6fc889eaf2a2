"""Where the released code of the paper departs from it in the training loop: each departure as a switch.

What concerns a model or a loss stands with that plugin (``Plugin.profiles``). ``--profile code`` makes all of them,
``--set`` any single one.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from msde_toolkit.interfaces import PluginOptions, Switch


class ReleasedCodeOptions(PluginOptions):
    """Mistakes of released code that the training loop can repeat; all off."""

    softmax_first: bool = Field(False, description="Softmax before cross entropy, which itself takes logits.")
    half_normalised_tests: bool = Field(False, description="Normalise test images by .5 and .5, whatever was trained.")
    eval_after_first_epoch: bool = Field(False, description="Train in evaluation mode from the second epoch on.")
    student_from_scratch: bool = Field(False, description="Starting weights go to a student's teacher only.")
    released_folds: bool = Field(False, description="The released code's folds: some subjects twice, some never.")
    shared_teacher: bool = Field(False, description="One teacher for all folds, trained on all subjects.")


SWITCHES: Mapping[str, tuple[Switch, ...]] = {
    "code": (
        Switch("train.epochs", 24, "24 epochs: range(1, 25)", "paper Sec. 3.1: 25; released training scripts"),
        Switch("train.milestones", (15, 22), "rates fall at 15 and 22", "paper Sec. 3.1: 8, 14, 20; released scripts"),
        Switch("train.weight_decay", 1e-4, "weight decay 1e-4", "paper: not stated; released training scripts"),
        Switch(
            "train.softmax_first",
            True,
            "softmax, then a cross entropy that takes logits: it cannot fall below 1.165 for 7 classes",
            "paper Eq. 2: on probabilities; released code: Classifier.forward and CrossEntropyLoss",
        ),
        Switch(
            "train.half_normalised_tests",
            True,
            "trained on images normalised by ImageNet's mean and deviation, tested on .5 and .5",
            "paper: one preprocessing; released transforms",
        ),
        Switch(
            "train.released_folds",
            True,
            "each fold's range of subjects is one too long",
            "paper Sec. 3.1: ten identity-independent folds; released code: range(front, end + 1)",
            unsound="some subjects are tested twice, others never",
        ),
        Switch(
            "select",
            "test",
            "the best epoch on the test fold is reported",
            "paper: mean of fold accuracies; released code: best_acc over epochs",
            unsound="the test fold chose the epoch",
        ),
    )
}
"""By profile: what holds for every run."""

TEACHER_SWITCHES: Mapping[str, tuple[Switch, ...]] = {
    "code": (
        Switch(
            "train.student_from_scratch",
            True,
            "the student's starting weights are silently not loaded",
            "paper Sec. 3.1: MS-Celeb-1M weights; released kd_main.py: loaded under the wrong prefix",
        ),
        Switch(
            "train.shared_teacher",
            True,
            "one teacher for all folds",
            "paper Sec. 3.3: trained on non-masked images; released code: one best_resnet_fer.pt",
            unsound="the teacher has seen the test subjects",
        ),
    )
}
"""By profile: what holds where a teacher is used."""
