"""How answers hold up: occluders, calibration, and the errors themselves."""
