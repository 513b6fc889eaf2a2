"""The audit: what in a dataset, or in a run on it, would make a result wrong, found before a reviewer finds it."""

from msde_toolkit.data.audit.checks import ALL_CHECKS, audit
from msde_toolkit.data.audit.finding import Audit, Finding
from msde_toolkit.data.audit.material import Material, RunFacts

__all__ = ["ALL_CHECKS", "Audit", "Finding", "Material", "RunFacts", "audit"]
