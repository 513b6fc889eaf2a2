"""From a configuration to a finished run: presets, the trainer of one fold, all folds and repeats, resume."""
