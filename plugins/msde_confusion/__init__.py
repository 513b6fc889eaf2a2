"""Confusion matrices of held-out predictions (paper, Table 6 and Fig. 7)."""
