"""The first-party mask templates, as data: drawn by ``msde_masks.drawing``."""
