"""Knowledge distillation by triplets for msde-toolkit."""
