"""Weights go into a model completely, or not at all, and what became of each key is told."""

import hashlib
import subprocess
import sys

import pytest
import torch
from small_network import Small, pretrained
from torch import nn

from msde_toolkit.errors import InputError
from msde_toolkit.weights import fit_state, load_from_run, load_into, load_strict

WEIGHTS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(2)}
KEYS = list(pretrained(0))


def saved(file, content):
    torch.save(content, file)
    return file


def unchanged(model):
    """Checks, when called, that the model is what it was."""
    before = {key: value.clone() for key, value in model.state_dict().items()}
    return lambda: all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def holds(model, state, prefix="backbone."):
    own = model.state_dict()
    return all(torch.equal(own[prefix + key], state[key]) for key in state if prefix + key in own)


def test_loading_is_all_or_nothing():
    layer = nn.Linear(3, 2)
    load_strict(layer, WEIGHTS)
    assert torch.equal(layer.weight, WEIGHTS["weight"])
    bad = {"weight": torch.zeros(2, 4), "scale": torch.zeros(1), "epoch": 3}
    with pytest.raises(InputError) as caught:
        load_strict(layer, bad)
    assert str(caught.value) == (
        "The weights do not fit Linear with 2 keys.\n"
        "1 missing: bias; 2 unexpected: scale, epoch; 1 of another shape: weight [2, 4] instead of [2, 3]."
    )
    assert torch.equal(layer.weight, WEIGHTS["weight"])


def test_long_lists_of_keys_are_counted():
    with pytest.raises(InputError, match=r"7 unexpected: k0, k1, k2 and 4 more\.$"):
        load_strict(nn.Linear(3, 2), WEIGHTS | {f"k{index}": torch.ones(1) for index in range(7)})


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"model": s, "epoch": 3, "best": torch.tensor(88.0)}])
def test_own_weights_fill_the_whole_model(tmp_path, wrap):
    state = Small().state_dict()
    file = saved(tmp_path / "own.pth", wrap(state))
    model = Small()
    report = load_into(model, file)
    assert holds(model, state, "")
    assert report.complete
    assert (report.layout, report.matched) == ("ours", tuple(state))
    assert (report.missing, report.unexpected, report.reshaped, report.dropped) == ((), (), (), ())
    assert report.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert report.summary() == f"own layout: all {len(state)} keys"


def test_own_weights_of_which_a_part_was_wrapped_for_several_devices():
    state = Small().state_dict()
    wrapped = {key.replace("backbone.", "backbone.module."): value for key, value in state.items()}
    model = Small()
    assert load_into(model, wrapped).layout == "ours"
    assert holds(model, state, "")


def test_a_pretrained_network_fills_the_backbone_and_leaves_its_head():
    model, state = Small(), pretrained(1000)
    head = model.head.weight.clone()
    report = load_into(model, {"state_dict": state, "epoch": 90})
    assert holds(model, state)
    assert torch.equal(model.head.weight, head)
    assert not report.complete
    assert report.layout == "torchvision"
    assert report.matched == tuple(f"backbone.{key}" for key in KEYS)
    assert (report.missing, report.dropped) == (("head.weight", "head.bias"), ("fc.weight", "fc.bias"))
    assert report.sha256 is None
    assert report.summary() == (
        f"torchvision layout: {len(KEYS)} of {len(KEYS)} backbone keys; head new (fc.weight, fc.bias left out)"
    )


def test_a_headless_trunk_and_surplus_layers_are_told():
    report = load_into(Small(), pretrained(0, layers=2))
    assert report.unexpected == tuple(key for key in pretrained(0, layers=2) if key.startswith("layer2"))
    assert report.dropped == ()
    assert report.summary().endswith(
        "; head new; 6 other keys left out (layer2.0.conv1.weight, layer2.0.bn1.weight, layer2.0.bn1.bias and 3 more)"
    )


def test_a_head_of_expressions_is_loaded_with_its_trunk():
    model, state = Small(), pretrained(7)
    report = load_into(model, state)
    assert report.complete
    assert report.summary() == f"torchvision layout: all {len(state)} keys"
    assert torch.equal(model.head.weight, state["fc.weight"])


def test_old_files_without_counters():
    for state in (pretrained(7), pretrained(1000), Small().state_dict()):
        old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
        model = Small()
        model.backbone.bn1.num_batches_tracked.fill_(5)
        report = load_into(model, old)
        assert {key for key in report.missing if "num_batches" in key} == {
            "backbone.bn1.num_batches_tracked",
            "backbone.layer1.0.bn1.num_batches_tracked",
        }
        assert model.backbone.bn1.num_batches_tracked == 5
        assert report.complete == ("fc.bias" not in old or len(old["fc.bias"]) == 7)
        assert " of 10 backbone" in report.summary() or report.complete


def test_eight_classes_where_seven_are_asked(tmp_path):
    for state in (pretrained(8), Small(8).state_dict()):
        model = Small()
        same = unchanged(model)
        with pytest.raises(
            InputError, match=r"eight\.pth: .*8 classes where 7 are asked: ask for 8.*run:DIR"
        ) as caught:
            load_into(model, saved(tmp_path / "eight.pth", state))
        assert "2 of another shape: head.weight [8, 4] instead of [7, 4]" in str(caught.value)
        assert str(caught.value).count("\n") == 1
        assert same()


@pytest.mark.parametrize(
    ("state", "share"),
    [
        (pretrained(1000, width=8), "100 %"),
        ({key: value for key, value in pretrained(0).items() if not key.startswith("layer1")}, "56 %"),
        ({key: value for key, value in pretrained(0).items() if key != "bn1.bias"}, "1 %"),
    ],
)
def test_a_backbone_that_would_stay_partly_random_is_refused(state, share):
    model = Small()
    same = unchanged(model)
    with pytest.raises(
        InputError, match=rf"do not fit the backbone of Small.* {share} of its weights would stay random"
    ):
        load_into(model, state)
    assert same()


@pytest.mark.parametrize(
    "state",
    [
        {"encoder.weight": torch.ones(3, 3)},
        {"a": torch.tensor(1.0)},
        {"fc.weight": torch.ones(1000, 4)},
    ],
)
def test_another_architecture(state):
    model = Small()
    same = unchanged(model)
    with pytest.raises(InputError, match=r"do not fit Small with 14 keys\.\n12 missing: .*unexpected: "):
        load_into(model, state)
    assert same()


def test_only_what_the_model_says_may_stay_random_and_it_is_told():
    class Lenient(Small):
        def may_stay_random(self, state):
            return [key for key in KEYS if key.startswith("layer1.0.bn1.")]

    def without(*ends):
        return {key: value for key, value in pretrained(1000).items() if not key.startswith(ends)}

    model = Lenient()
    report = load_into(model, without("layer1.0.bn1."))
    assert report.matched == tuple(f"backbone.{key}" for key in KEYS if "layer1.0.bn1" not in key)
    assert "backbone.layer1.0.bn1.weight" in report.missing
    assert report.summary().startswith("torchvision layout: 7 of 12 backbone keys; head new")
    same = unchanged(model)
    with pytest.raises(InputError, match=r" 1 % of its weights.*\n1 missing: bn1\.bias\.$"):
        load_into(model, without("layer1.0.bn1.", "bn1.bias"))
    assert same()


@pytest.mark.parametrize("state", [Small().state_dict(), pretrained(1000), pretrained(7)])
def test_several_parts_of_which_none_is_known_as_the_weights(tmp_path, state):
    content = {"model": state, "ema": state, "epoch": 3, "optimizer": {"state": {0: {"exp_avg": torch.ones(1)}}}}
    model = Small()
    same = unchanged(model)
    with pytest.raises(InputError) as caught:
        load_into(model, saved(file := tmp_path / "two.pth", content))
    assert str(caught.value) == (
        f"{file}: holds weights in several parts (model, ema), and Small does not know which to take: "
        "save one of them as a file of its own."
    )
    assert same()
    assert load_into(model, content["ema"]).matched
    assert load_into(model, {"state_dict": state, "ema": state}).matched


@pytest.mark.parametrize("kind", [torch.int64, torch.int8, torch.uint8, torch.bool])
@pytest.mark.parametrize("state", [Small().state_dict(), pretrained(1000)])
def test_whole_numbers_are_no_weights(tmp_path, state, kind):
    model = Small()
    same = unchanged(model)
    cast = {key: value.to(kind) if key.endswith("bn1.weight") else value for key, value in state.items()}
    name = str(kind).removeprefix("torch.")
    for load in (load_into, load_from_run):
        with pytest.raises(
            InputError, match=rf"ints\.pth: .*bn1\.weight holds {name} where the model has float32\."
        ) as caught:
            load(model, saved(tmp_path / "ints.pth", cast))
        assert "\n" not in str(caught.value)
    assert same()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("state", [Small().state_dict(), pretrained(1000)])
def test_floats_of_any_size_are(state, kind):
    model = Small()
    cast = {key: value.to(kind) if value.is_floating_point() else value for key, value in state.items()}
    load_into(model, cast)
    weight = model.backbone.conv1.weight
    given = state["conv1.weight" if "conv1.weight" in state else "backbone.conv1.weight"]
    assert weight.dtype == torch.float32
    assert torch.equal(weight, given.to(kind).float())


def test_values_that_are_no_tensors_are_not_loaded():
    with pytest.raises(InputError, match=r"backbone of Small.*\n1 missing: conv1\.weight"):
        load_into(Small(), pretrained(1000) | {"conv1.weight": "hello"})
    with pytest.raises(InputError, match=r"1 of another shape: head\.bias str instead of \[7\]"):
        load_into(Small(), Small().state_dict() | {"head.bias": "hello"})
    with pytest.raises(InputError, match="under the key 0 of type int"):
        load_into(Small(), {"state_dict": {0: torch.ones(1)}})


def test_a_model_without_a_backbone_takes_only_its_own():
    class Flat(Small):
        def __init__(self):
            super().__init__()
            self.body = self.backbone
            del self.backbone

    with pytest.raises(InputError, match="do not fit Flat"):
        load_into(Flat(), pretrained(1000))
    assert load_into(Flat(), Flat().state_dict()).complete


def test_a_run_with_other_classes_gives_all_but_its_head(tmp_path):
    state = Small(8).state_dict()
    model = Small(7)
    head = model.head.weight.clone()
    file = saved(tmp_path / "model.pth", state)
    report = load_from_run(model, file)
    assert report.reshaped == (("head.weight", (8, 4), (7, 4)), ("head.bias", (8,), (7,)))
    assert holds(model, {key: value for key, value in state.items() if key.startswith("backbone")}, "")
    assert torch.equal(model.head.weight, head)
    assert not report.complete
    assert report.summary() == "own layout: 12 of 14 keys; head new (head.weight [8, 4], head.bias [8] left out)"
    assert report.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("change", [lambda s: s.pop("head.bias"), lambda s: s.update({"x": torch.ones(1)})])
def test_a_run_that_differs_in_more_than_its_classes_is_refused(tmp_path, change):
    state = Small(8).state_dict()
    change(state)
    model = Small(7)
    same = unchanged(model)
    with pytest.raises(InputError, match=r"model\.pth: The weights do not fit Small"):
        load_from_run(model, saved(tmp_path / "model.pth", state))
    assert same()


class Attentive(Small):
    """The same backbone under a head of other keys, with more of them."""

    def __init__(self, classes=7, layers=1):
        super().__init__(classes, layers=layers)
        self.head = None
        self.attention = nn.ModuleList(nn.Linear(4, 4) for _ in range(10))
        self.fc = nn.Linear(4, classes)


@pytest.mark.parametrize("classes", [7, 8])
@pytest.mark.parametrize(("source", "target"), [(Small, Attentive), (Attentive, Small)])
def test_a_run_of_another_model_fills_the_backbone_under_a_new_head(tmp_path, source, target, classes):
    state, model = source(classes).state_dict(), target()
    own = {key: value.clone() for key, value in model.state_dict().items() if not key.startswith("backbone.")}
    report = load_from_run(model, saved(tmp_path / "model.pth", state))
    assert holds(model, {key: value for key, value in state.items() if key.startswith("backbone.")}, "")
    assert holds(model, own, "")
    assert report.matched == tuple(f"backbone.{key}" for key in KEYS)
    assert report.missing == tuple(own)
    assert report.dropped == tuple(key for key in state if not key.startswith("backbone."))
    assert (report.unexpected, report.complete) == ((), False)
    if source is Small:
        assert report.summary() == ("other layout: 12 of 12 backbone keys; head new (head.weight, head.bias left out)")


def test_surplus_layers_of_another_models_run_are_told_as_the_file_names_them(tmp_path):
    state = Small(layers=2).state_dict()
    report = load_from_run(Attentive(), saved(tmp_path / "model.pth", state))
    assert report.unexpected == tuple(key for key in state if key.startswith("backbone.layer2."))
    assert len(report.matched) == len(KEYS)


@pytest.mark.parametrize(
    ("state", "share"),
    [
        (Small(layers=1), r"36 %.*\n5 missing: layer2\.0\.conv1\.weight"),
        (Small(width=5, layers=2), r"100 %.*of another shape: conv1\.weight \[5, 3, 3, 3\] instead of"),
        (Small(width=5), r"100 %.*missing: .*of another shape"),
    ],
)
@pytest.mark.parametrize("target", [Small, Attentive])
def test_a_run_whose_backbone_does_not_fit_is_refused_with_how_much_would_stay_random(tmp_path, target, state, share):
    model = target(layers=2)
    same = unchanged(model)
    with pytest.raises(InputError, match=rf"(?s)model\.pth: .*do not fit the backbone of {target.__name__}.* {share}"):
        load_from_run(model, saved(tmp_path / "model.pth", state.state_dict()))
    assert same()


def test_a_run_of_another_model_fills_the_backbone_of_one_that_takes_it(tmp_path):
    class Frozen(Small):
        def __init__(self):
            super().__init__()
            self.backbone = Small()

    state = Small().state_dict()
    model = Frozen()
    report = load_from_run(model, saved(tmp_path / "model.pth", state))
    assert holds(model, state)
    assert report.summary() == "other layout: 14 of 14 backbone keys; head new"


def test_a_run_of_the_same_classes_gives_everything_and_a_head_is_dropped_only_where_that_was_asked():
    state = Small().state_dict()
    model = Small()
    assert fit_state(model, state).complete
    assert holds(model, state, "")
    with pytest.raises(InputError, match="8 classes where 7 are asked"):
        fit_state(model, Small(8).state_dict(), drop_head=False)


def test_the_list_of_published_files_needs_no_torch():
    code = "import sys, msde_toolkit.weights.published\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
