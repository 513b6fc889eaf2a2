"""How small a difference a study can find, before the photos are taken: ``detectable.detectable``."""
