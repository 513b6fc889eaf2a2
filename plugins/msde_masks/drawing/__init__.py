"""The templates' pictures, drawn: ``python -m msde_masks.drawing FOLDER`` writes them with their TOML files."""
