"""Finished (and unfinished) runs on disk: the store, the summary, opening a run, analysing it."""
