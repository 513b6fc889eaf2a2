"""Public: metrics of confusion counts, intervals that resample subjects, and tests of paired differences.

Which number answers which question, and when not to trust it: docs/statistics.md.
"""

from msde_toolkit.statistics.intervals import (
    DRAWS,
    LEVEL,
    RELIABLE_GROUPS,
    Interval,
    cluster_bootstrap,
    cluster_mean_interval,
    few_groups,
    paired_conditions,
    percentile_intervals,
    resampled_counts,
    resampled_sums,
)
from msde_toolkit.statistics.metrics import (
    METRICS,
    Counts,
    Values,
    accuracy,
    balanced_accuracy,
    confusion,
    macro_f1,
    majority_baseline,
    recall_by_class,
)

__all__ = [
    "DRAWS",
    "LEVEL",
    "METRICS",
    "RELIABLE_GROUPS",
    "Counts",
    "Interval",
    "Values",
    "accuracy",
    "balanced_accuracy",
    "cluster_bootstrap",
    "cluster_mean_interval",
    "confusion",
    "few_groups",
    "macro_f1",
    "majority_baseline",
    "paired_conditions",
    "percentile_intervals",
    "recall_by_class",
    "resampled_counts",
    "resampled_sums",
]
