"""Readers of the public expression datasets."""
