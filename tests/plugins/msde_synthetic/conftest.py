"""Pictures that several tests look at, drawn once a session."""

from __future__ import annotations

import pytest

from msde_synthetic.plan import SampleSpec, samples
from msde_synthetic.render import Rendered, render

SIZE = 64


@pytest.fixture(scope="session")
def drawn() -> list[tuple[SampleSpec, Rendered]]:
    """The samples of 40 subjects of the default set with their pictures."""
    return [(spec, render(spec, size=SIZE)) for spec in samples(subjects=40)]
