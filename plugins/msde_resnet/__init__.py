"""ResNet models of the paper (Sec. 3.1)."""
