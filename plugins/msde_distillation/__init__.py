"""Knowledge distillation from a teacher of unmasked faces (paper, Sec. 3.3)."""
