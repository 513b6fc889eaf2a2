"""Contrastive alignment with a mask-presence head for msde-toolkit."""
