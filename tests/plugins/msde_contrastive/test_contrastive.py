"""Contrastive alignment: Eq. 3 of the paper, on numbers computed elsewhere."""

import pytest
import torch
import torch.nn.functional as F
from reference_vectors import loss_case, needs_vectors
from tiny_batches import tiny_batch, tiny_context, tiny_pairs, weighted_cross_entropy

from msde_contrastive.loss import contrastive_terms
from msde_toolkit import create_loss, create_model
from msde_toolkit.types import InputError


@needs_vectors
@pytest.mark.parametrize("case", range(3))
def test_terms_match_the_reference(case):
    expected, drawn = loss_case(case)
    width, classes = expected["F"], expected["C"]
    labels = torch.tensor(expected["labels"])
    features = drawn("feat_a", width, 1), drawn("feat_b", width, 1)
    classification = tuple({"ce": F.cross_entropy(drawn(name, classes, 2), labels)} for name in ("logit_a", "logit_b"))
    terms = {name: value.item() for name, value in contrastive_terms(features, classification).items()}

    assert terms["mse"] == pytest.approx(0.2 * expected["mse_mean_over_all"], rel=1e-5)
    assert terms["nm.ce"] == pytest.approx(expected["ce_a"], rel=1e-5)
    assert terms["m.ce"] == pytest.approx(expected["ce_b"], rel=1e-5)
    assert sum(terms.values()) == pytest.approx(expected["cl_total"], rel=1e-5)


def test_a_step_is_one_joined_forward_and_each_half_its_own_mean():
    torch.manual_seed(0)
    model, pairs, calls = create_model("resnet18"), tiny_pairs(), []

    def forward(images):
        calls.append(model(images))
        return calls[-1]

    loss = create_loss("cl", {"mse_weight": "0.5", "classification_weight": 2}).step(
        model, forward, pairs, tiny_context()
    )
    (output,) = calls
    nm, m = output.split()
    assert loss.terms["mse"].item() == pytest.approx(0.5 * (nm.features - m.features).pow(2).mean().item(), rel=1e-5)
    for name, half, batch in (("nm.ce", nm, pairs.nm), ("m.ce", m, pairs.m)):
        expected = 2 * weighted_cross_entropy(batch.weight)(half.logits, batch.targets).item()
        assert loss.terms[name].item() == pytest.approx(expected, rel=1e-5)
    assert loss.total.item() == pytest.approx(sum(term.item() for term in loss.terms.values()), rel=1e-6)


def test_it_pulls_the_features_of_a_pair_together():
    torch.manual_seed(0)
    model, pairs = create_model("resnet18"), tiny_pairs()
    step = torch.optim.SGD(model.parameters(), 1e-2)
    alignment = create_loss("cl", {"classification_weight": 0})
    distances = []
    for _ in range(4):
        loss = alignment.step(model, model, pairs, tiny_context())
        step.zero_grad()
        loss.total.backward()
        step.step()
        distances.append(loss.total.item())
    assert distances[-1] < 0.8 * distances[0]


@pytest.mark.parametrize("align", ["features", "maps"])
def test_every_term_falls(align):
    torch.manual_seed(0)
    model, pairs = create_model("resnet18"), tiny_pairs()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    # Unit maps cannot be far apart: without a large weight their distance is left to chance.
    alignment = create_loss("cl", {"align": align, "mse_weight": {"features": 1, "maps": 1000}[align]})
    losses = []
    for _ in range(10):
        loss = alignment.step(model, model, pairs, tiny_context())
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        losses.append(loss.terms)
    for name in ("mse", "nm.ce", "m.ce"):
        assert losses[-1][name] < 0.9 * losses[0][name], name


def test_scan_brings_its_own_terms():
    scan = create_model("scan", options={"backbone": "resnet18", "shared_attention": True})
    loss = create_loss("cl").step(scan, scan, tiny_pairs(), tiny_context())
    assert set(loss.terms) == {"mse", "nm.attention", "nm.regions", "m.attention", "m.regions"}


def test_samples_without_partners_are_refused():
    model = create_model("resnet18")
    with pytest.raises(InputError, match="needs pairs"):
        create_loss("cl").step(model, model, tiny_batch(), tiny_context())
    assert create_loss("cl").needs_pairs


@pytest.mark.parametrize("value", [-0.1, "nan", "inf", "much"])
def test_weights_are_numbers_of_zero_or_more(value):
    with pytest.raises(InputError, match=r"^loss\.mse_weight = .*expected"):
        create_loss("cl", {"mse_weight": value})


def test_on_maps_the_distance_is_that_of_unit_vectors_at_each_place():
    torch.manual_seed(0)
    model, pairs = create_model("resnet18"), tiny_pairs()
    loss = create_loss("cl", {"align": "maps", "mse_weight": 1}).step(model, model, pairs, tiny_context())
    nm, m = model(pairs.joined().images).split()
    unit = [half.extras["maps"] / half.extras["maps"].norm(dim=1, keepdim=True) for half in (nm, m)]
    expected = (unit[0] - unit[1]).pow(2).sum().item() / unit[0].numel()
    assert loss.terms["mse"].item() == pytest.approx(expected, rel=1e-4)
    assert 0 < expected <= 2 / 512


def test_maps_are_asked_of_models_that_have_them():
    scan = create_model("scan", options={"backbone": "resnet18", "shared_attention": True})
    with pytest.raises(InputError, match=r"loss\.align=features"):
        create_loss("cl", {"align": "maps"}).step(scan, scan, tiny_pairs(), tiny_context())
    with pytest.raises(InputError, match=r"^loss\.align = "):
        create_loss("cl", {"align": "pixels"})


def test_a_reader_learns_how_little_the_maps_can_do():
    output = create_model("resnet18").eval()(torch.rand(2, 3, 32, 32))
    assert not create_loss("cl").notes(output)
    (note,) = create_loss("cl", {"align": "maps"}).notes(output)
    assert "2/512 = 0.0039; times its weight 0.2 that is 0.0008, or 0.04% of the cross entropy of a guess" in note
    assert "ln 7 = 1.9459" in note


def test_the_profile_of_the_released_code_is_accepted_by_the_options():
    switches = {switch.key: switch.value for switch in type(create_loss("cl")).profiles["code"]}
    assert switches == {"loss.align": "maps", "loss.mse_weight": 1, "train.lr_backbone": 1e-3}
    own = {key.removeprefix("loss."): value for key, value in switches.items() if key.startswith("loss.")}
    options = create_loss("cl", own).options
    assert (options.align, options.mse_weight, options.classification_weight) == ("maps", 1, 1)
