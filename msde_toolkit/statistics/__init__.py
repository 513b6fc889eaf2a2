"""Public: metrics of confusion counts, intervals that resample subjects, and tests of paired differences.

Which number answers which question, and when not to trust it: docs/statistics.md.
"""

from msde_toolkit.statistics.crossed import METHOD, MODELS, Estimate, crossed_intervals, half_widths, non_inferior
from msde_toolkit.statistics.intervals import (
    DRAWS,
    LEVEL,
    RELIABLE_GROUPS,
    Interval,
    bounded_shares,
    cluster_bootstrap,
    cluster_mean_interval,
    few_groups,
    paired_conditions,
    percentile_intervals,
    resampled_counts,
    resampled_sums,
)
from msde_toolkit.statistics.mcnemar import McNemar, clustered_mcnemar, plain_mcnemar
from msde_toolkit.statistics.metrics import (
    METRICS,
    Counts,
    Values,
    accuracy,
    balanced_accuracy,
    confusion,
    f1_by_class,
    macro_f1,
    majority_baseline,
    mean_of_known,
    precision_by_class,
    recall_by_class,
)
from msde_toolkit.statistics.multiplicity import benjamini_hochberg, holm
from msde_toolkit.statistics.resampled_t import ResampledT, resampled_t
from msde_toolkit.statistics.sign_flip import FLIPS, Alternative, sign_flip, sign_flip_many
from msde_toolkit.statistics.swapped_answers import SWAPS, swap_test

__all__ = [
    "DRAWS",
    "FLIPS",
    "LEVEL",
    "METHOD",
    "METRICS",
    "MODELS",
    "RELIABLE_GROUPS",
    "SWAPS",
    "Alternative",
    "Counts",
    "Estimate",
    "Interval",
    "McNemar",
    "ResampledT",
    "Values",
    "accuracy",
    "balanced_accuracy",
    "benjamini_hochberg",
    "bounded_shares",
    "cluster_bootstrap",
    "cluster_mean_interval",
    "clustered_mcnemar",
    "confusion",
    "crossed_intervals",
    "f1_by_class",
    "few_groups",
    "half_widths",
    "holm",
    "macro_f1",
    "majority_baseline",
    "mean_of_known",
    "non_inferior",
    "paired_conditions",
    "percentile_intervals",
    "plain_mcnemar",
    "precision_by_class",
    "recall_by_class",
    "resampled_counts",
    "resampled_sums",
    "resampled_t",
    "sign_flip",
    "sign_flip_many",
    "swap_test",
]
