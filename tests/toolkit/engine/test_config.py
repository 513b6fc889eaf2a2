"""Configurations: checked, written as TOML and read back the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msde_toolkit import RunConfig
from msde_toolkit.engine.config import ROLES, load_config, parse_settings
from msde_toolkit.errors import InputError

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
TABLES = st.dictionaries(NAMES, VALUES, max_size=3)
CONFIGS = st.fixed_dictionaries(
    {"model": NAMES, "loss": NAMES},
    optional={
        "data": NAMES,
        "root": st.builds(Path, NAMES),
        "mask": NAMES,
        "train_on": st.sampled_from(["nm", "m", "mix", "pairs"]),
        "weights": NAMES,
        "preset": st.sampled_from(["quick", "paper"]),
        "folds": st.integers(2, 99) | st.just(Path("folds.json")),
        "repeats": st.integers(1, 100),
        "select": st.sampled_from(["last", "inner"]),
        "seed": st.integers(0, 2**63 - 1),
        "device": st.sampled_from(["auto", "cpu"]),
        "precision": st.sampled_from(["auto", "fp32", "bf16"]),
        **{f"set_{role}": TABLES for role in ROLES},
    },
)


@settings(max_examples=60, deadline=None)
@given(values=CONFIGS)
def test_a_configuration_survives_its_file(tmp_path_factory, values):
    config = RunConfig.create(**values)
    file = tmp_path_factory.getbasetemp() / "config.toml"
    file.write_text(config.to_toml(), encoding="utf-8")
    assert RunConfig.create(**load_config(file)) == config


def test_what_is_left_out_is_left_to_others():
    config = RunConfig.create(model="scan", loss="cl", mask=None, root=None, folds=None)
    assert config == RunConfig(model="scan", loss="cl")
    assert (config.data, config.preset, config.seed, config.train_on) == ("synthetic", "quick", 0, None)
    assert "mask" not in config.to_toml()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": None}, r"^No model given: --model NAME"),
        ({"loss": None}, r"^No loss given: --loss NAME"),
        ({"repeats": 0}, r"^--repeats = 0: expected greater than or equal to 1"),
        ({"repeats": 101}, "--repeats = 101: expected less than or equal to 100"),
        ({"seed": -1}, "--seed = -1: expected greater than or equal to 0"),
        ({"seed": 2**63}, "--seed = 9223372036854775808: expected less than"),
        ({"train_on": "both"}, "--train_on = 'both': expected 'nm', 'm', 'mix' or 'pairs'"),
        ({"precision": "fp16"}, "--precision = 'fp16'"),
        ({"select": "best"}, "--select = 'best'"),
        ({"modle": "scan"}, r"^--modle: unknown option\. Did you mean --model\?"),
    ],
)
def test_a_wrong_value_is_one_line(values, message):
    with pytest.raises(InputError, match=message) as caught:
        RunConfig.create(**{"model": "scan", "loss": "cl"} | values)
    assert "\n" not in str(caught.value)


def test_folds_are_a_number_or_a_file():
    def folds(value):
        return RunConfig.create(model="scan", loss="cl", folds=value).folds

    assert [folds(5), folds("5")] == [5, 5]
    assert folds("folds.json") == folds(Path("folds.json")) == Path("folds.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model = ", "damaged TOML"),
        (b"\xff\xfe", "damaged TOML"),
        ("modle = 'x'", r"unknown key 'modle'\. Did you mean model\?"),
        ("set_train = {}", "unknown key 'set_train'"),
        ("[set.trian]", r"unknown table \[set\.trian\]\. Did you mean train\?"),
        ("set = 3", r"\[set\.ROLE\] must be tables"),
        ("[set]\ntrain = 3", r"\[set\.ROLE\] must be tables"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, message):
    file = tmp_path / "mine.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=rf"^--config .*mine\.toml: {message}"):
        load_config(file)


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml: cannot be read \(No such file"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        load_config(tmp_path)


def test_settings_by_role():
    given = ["loss.mse_weight=0.3", "train.epochs = 5", "loss.name=a=b", "train.epochs=6", "model.x="]
    expected = {role: {} for role in ROLES}
    expected |= {"loss": {"mse_weight": "0.3", "name": "a=b"}, "train": {"epochs": "6"}, "model": {"x": ""}}
    assert parse_settings(given) == expected
    assert parse_settings(["analysis.n=1"], ["analysis"]) == {"analysis": {"n": "1"}}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("loss.mse_weight", r"^--set loss\.mse_weight: expected ROLE\.KEY=VALUE"),
        ("epochs=3", r"^--set epochs=3: expected ROLE\.KEY=VALUE"),
        ("train.=3", "expected ROLE"),
        ("trian.epochs=3", r"unknown role 'trian'\. Did you mean train\?"),
    ],
)
def test_a_setting_needs_role_key_and_value(setting, message):
    with pytest.raises(InputError, match=message):
        parse_settings([setting])
