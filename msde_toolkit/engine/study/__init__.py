"""Studies: several methods on the same data and folds, declared before, each a run like any other."""
