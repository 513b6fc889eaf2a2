"""How far to trust answers: calibration, the errors themselves, and what occlusion does to accuracy."""
