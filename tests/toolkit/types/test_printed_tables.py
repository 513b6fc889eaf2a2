"""Published tables: as printed, with a total in every column."""

from dataclasses import asdict

import pytest

from msde_toolkit.types import CLASSES, PublishedTable, by_class


def test_a_column_adds_up_unless_it_was_printed_otherwise():
    assert by_class(CLASSES, range(7)) == {**dict(zip(CLASSES, range(7), strict=True)), "total": 21}
    assert by_class(("a", "b"), (1, 2), total=4) == {"a": 1, "b": 2, "total": 4}
    with pytest.raises(ValueError, match="argument"):
        by_class(("a", "b"), (1, 2, 3))


@pytest.mark.parametrize("counts", [{"happy": 3}, {"total": -1}, {"total": 1.5}, {"happy": True, "total": 1}])
def test_a_column_is_checked(counts):
    with pytest.raises(ValueError, match="'NM'"):
        PublishedTable("Table 2", "a paper", {"NM": counts})


def test_it_is_plain_data():
    table = PublishedTable("Table 1", "a paper", {"occluded": {"total": 5}}, "a note")
    assert asdict(table) == {
        "title": "Table 1",
        "source": "a paper",
        "columns": {"occluded": {"total": 5}},
        "note": "a note",
    }
