"""Runs compared with a baseline on the same images: ``compare.compare`` gives a ``comparison.Comparison``."""
