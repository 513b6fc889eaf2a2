"""A linear classifier on the frozen features of any model."""
