"""Contrastive alignment of pairs (paper, Sec. 3.3)."""
