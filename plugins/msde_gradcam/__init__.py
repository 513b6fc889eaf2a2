"""Grad-CAM on held-out images (paper, Fig. 6)."""
