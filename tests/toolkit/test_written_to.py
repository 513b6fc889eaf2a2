"""What cannot be written is an error of the user's, in the user's words."""

from pathlib import Path

import pytest

from msde_toolkit.errors import InputError
from msde_toolkit.files import whole, written_to


def test_a_folder_that_is_a_file_is_named(tmp_path):
    place = tmp_path / "out"
    place.write_text("")
    told = pytest.raises(InputError, match=r"--out .*out: cannot be written \(")
    with told, written_to(place), whole(place / "table.csv") as partial:
        partial.write_text("a")
    assert list(tmp_path.iterdir()) == [place]
    with pytest.raises(InputError, match="another"), written_to(Path("x")):
        raise InputError("another")
