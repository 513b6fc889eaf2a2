"""What the datasets say that publications say of them."""

import pytest

from msde_datasets.affectnet import AffectNet
from msde_datasets.fedro import FedRo
from msde_datasets.ferplus import FerPlus
from msde_datasets.msde import Msde
from msde_datasets.rafdb import RafDb
from msde_toolkit.types import CLASSES


def tables(plugin, **options):
    return {table.title: table for table in plugin().published(plugin.Options(**options))}


def test_table_2_as_printed_with_its_misprint():
    table = tables(Msde)["Table 2"]
    nm, m, pairs, whole = (table.columns[name] for name in ("NM", "M", "pairs", "all"))
    assert (nm["total"], m["total"], pairs["total"], whole["total"]) == (964, 996, 857, 1960)
    assert [name for name in CLASSES if nm[name] + m[name] != whole[name]] == ["sad"]
    assert (nm["sad"] + m["sad"], whole["sad"]) == (265, 256)
    assert "256" in table.note
    assert "265" in table.note
    for column in (nm, m, pairs):
        assert sum(column[name] for name in CLASSES) == column["total"]


def test_the_pairs_alone_have_one_column():
    assert list(tables(Msde, set="pairs")["Table 2"].columns) == ["pairs"]


@pytest.mark.parametrize(
    ("plugin", "occluded", "masked"), [(FerPlus, 111, 0), (RafDb, 123, 0), (AffectNet, 100, 0), (FedRo, 234, 10)]
)
def test_table_1(plugin, occluded, masked):
    table = tables(plugin)["Table 1"]
    assert table.columns == {"occluded": {"total": occluded}, "masked": {"total": masked}}
    assert "ICVGIP 2022" in table.source


def test_class_counts_of_the_sets_own_papers():
    columns = tables(RafDb)["published"].columns
    assert (columns["NM train"]["total"], columns["NM test"]["total"]) == (12271, 3068)
    assert columns["NM train"]["surprise"] == 1290
    for plugin in (RafDb, AffectNet):
        assert list(tables(plugin, subset="pose45")["published"].columns) == ["NM train"]
    eight = tables(AffectNet)["published"].columns
    assert (eight["NM train"]["total"], eight["NM test"]["contempt"]) == (287651, 500)
    seven = tables(AffectNet, classes="seven")["published"].columns
    assert seven["NM train"]["total"] == 287651 - 3750
    assert "contempt" not in seven["NM test"]


@pytest.mark.parametrize(
    ("plugin", "name", "train", "test", "why"),
    [(RafDb, "Masked-RAFDB", 12271, 3008, "3,068"), (FerPlus, "Masked-FERPlus", 28709, 3589, "FER2013")],
)
def test_the_masked_copies_that_the_paper_made(plugin, name, train, test, why):
    table = tables(plugin)[name]
    assert table.columns == {"M train": {"total": train}, "M test": {"total": test}}
    assert why in table.note


def test_a_part_of_raf_db_has_no_published_masked_copy():
    assert "Masked-RAFDB" not in tables(RafDb, subset="pose45")
