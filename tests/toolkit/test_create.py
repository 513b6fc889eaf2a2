"""From names and options to objects, and what is said when that is impossible."""

from typing import Literal

import pytest
import torch
from pydantic import Field, model_validator

from msde_toolkit import create_loss, create_model
from msde_toolkit.create import create_dataset, create_landmarker, parse_options
from msde_toolkit.errors import InputError, PluginError
from msde_toolkit.interfaces import Loss, Model, Plugin, PluginOptions


class Nested(PluginOptions):
    radius: float = Field(1.0, gt=0)


class Everything(Plugin):
    class Options(PluginOptions):
        count: int = 3
        rate: float | None = Field(0.5, ge=0)
        on: bool = False
        kind: Literal["a", "b"] = "a"
        name: str = "x"
        span: tuple[int, int] = (0, 1)
        sizes: list[int] = Field(default_factory=list)
        table: dict[str, float] = Field(default_factory=dict)
        nested: Nested = Nested()

        @model_validator(mode="after")
        def _count_within(self):
            if self.count > 100:
                raise ValueError("count must not exceed 100")
            return self


class Called(Plugin):
    argument = "name"

    class Options(PluginOptions):
        name: str = "x"


class Demanding(Plugin):
    class Options(PluginOptions):
        path: str


class Empty(Plugin):
    pass


def parse(**values):
    return parse_options(Everything, values, "model")


def test_text_from_the_command_line_becomes_values():
    options = parse(
        count="7", rate="null", on="true", kind="b", name="7", sizes="[1, 2]", table='{"a": 1}', nested='{"radius": 2}'
    )
    assert options == Everything.Options(
        count=7, rate=None, on=True, kind="b", name="7", sizes=[1, 2], table={"a": 1.0}, nested=Nested(radius=2)
    )


def test_no_options_are_the_defaults_and_an_instance_is_kept():
    assert parse_options(Everything, None, "model") == Everything.Options()
    given = Everything.Options(count=1)
    assert parse_options(Everything, given, "model") is given
    with pytest.raises(InputError, match=r"not Demanding\.Options"):
        parse_options(Everything, Demanding.Options(path="x"), "model")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"cuont": 1},
            r"^model\.cuont: unknown option\. Did you mean model\.count\? Options: model\.count, model\.rate, ",
        ),
        ({"zzzz": 1}, r"^model\.zzzz: unknown option\. Options: "),
        ({"count": "3.5"}, r"^model\.count = '3\.5': expected a valid integer"),
        ({"rate": -1}, r"^model\.rate = -1: expected greater than or equal to 0\.$"),
        ({"on": "maybe"}, r"^model\.on = 'maybe': expected a valid boolean"),
        ({"kind": "c"}, r"^model\.kind = 'c': expected 'a' or 'b'\.$"),
        ({"sizes": "[1, x]"}, r"^model\.sizes = '\[1, x\]': expected a list such as \[1, 2\]\.$"),
        ({"sizes": "[1, 2.5]"}, r"^model\.sizes = '\[1, 2\.5\]': at \[1\] expected a valid integer"),
        ({"span": "[1]"}, r"^model\.span = '\[1\]': Field required\.$"),
        ({"nested": {"radius": 0}}, r"^model\.nested = .*: at radius expected greater than 0\.$"),
        ({"nested": {"radios": 1}}, r"^model\.nested = .*: at radios .*not permitted\.$"),
        ({"rate": "high"}, r"^model\.rate = 'high': expected a valid number, unable to parse string as a number\.$"),
        ({"count": 101}, r"^model: count must not exceed 100\.$"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_the_key(values, message):
    with pytest.raises(InputError, match=message) as caught:
        parse(**values)
    assert "\n" not in str(caught.value)


def test_a_required_option_and_a_plugin_without_options():
    with pytest.raises(InputError, match=r"^data\.path: is required and was not given\.$"):
        parse_options(Demanding, {}, "data")
    with pytest.raises(InputError, match=r"^mask\.path: unknown option\. There are no options\.$"):
        parse_options(Empty, {"path": 1}, "mask")


def test_plugins_are_made_by_name():
    model = create_model("resnet18", classes=3)
    assert isinstance(model, Model)
    assert model.training
    assert model.head.out_features == 3
    loss = create_loss("cl", {"mse_weight": "0.3"})
    assert isinstance(loss, Loss)
    assert loss.options.mse_weight == 0.3
    assert create_dataset("synthetic").synthetic


def test_unknown_names_and_impossible_class_counts():
    with pytest.raises(PluginError, match="Did you mean resnet18"):
        create_model("resnet81")
    with pytest.raises(InputError, match="2 classes or more, got 1"):
        create_model("resnet18", classes=1)


def test_weights_that_do_not_fit_are_named_with_their_file(tmp_path):
    torch.save({"weight": torch.ones(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"(?s)other\.pth: .*with 122 keys.*102 missing: .*1 unexpected: weight"):
        create_model("resnet18", weights=tmp_path / "other.pth")


def test_what_follows_a_colon_is_the_option_that_the_plugin_says():
    assert parse_options(Called, {}, "model", "called:y").name == "y"
    assert parse_options(Called, {"name": "y"}, "model", "called:y").name == "y"
    assert parse_options(Called, {"name": "y"}, "model", "called").name == "y"
    with pytest.raises(InputError, match=r"^model\.name = 'z' contradicts the name called:y"):
        parse_options(Called, {"name": "z"}, "model", "called:y")
    with pytest.raises(PluginError, match=r"^called:: nothing stands after the colon\. Write called:NAME, or called"):
        parse_options(Called, {}, "model", "called:")


@pytest.mark.parametrize("name", ["ce:x", "ce:"])
def test_a_plugin_that_takes_no_colon_says_so_for_every_kind(name):
    with pytest.raises(PluginError, match=r"ce takes nothing after a colon"):
        create_loss(name)


def test_what_must_stand_after_the_colon_is_said_where_it_is_missing():
    with pytest.raises(InputError, match=r"^faces\.model: is required and was not given\. Write yunet:MODEL"):
        create_landmarker("yunet")
