"""Plain cross entropy: the baseline of the paper."""
