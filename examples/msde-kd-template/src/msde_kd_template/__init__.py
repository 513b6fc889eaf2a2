"""Template-level knowledge distillation for msde-toolkit."""
