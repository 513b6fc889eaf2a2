"""Contrastive alignment: Eq. 3 of the paper, on numbers computed elsewhere."""

import pytest
import torch
import torch.nn.functional as F
from reference_vectors import document, needs_vectors, rule
from tiny_batches import tiny_batch, tiny_context, tiny_pairs, weighted_cross_entropy

from msde_contrastive.loss import contrastive_terms
from msde_toolkit import create_loss, create_model
from msde_toolkit.types import InputError


@needs_vectors
@pytest.mark.parametrize("case", range(3))
def test_terms_match_the_reference(case):
    expected = document("losses")["cases"][case]
    rows, width, classes = expected["B"], expected["F"], expected["C"]

    def drawn(name, columns, scale):
        array = rule().normal(f"loss:{case}:{name}", (rows, columns)) * scale
        return torch.from_numpy(array.astype("float32")).double()

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
