"""ResNet-18, the paper's baseline (Sec. 3.1), and its deeper sisters."""
