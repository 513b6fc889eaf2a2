"""Cross entropy takes samples and pairs, and leaves the classification loss to the model."""

import pytest
import torch
from tiny_batches import tiny_batch, tiny_context, tiny_pairs, weighted_cross_entropy

from msde_toolkit import create_loss, create_model


def step(batch, model):
    return create_loss("ce").step(model, model, batch, tiny_context())


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return create_model("resnet18").eval()


def test_the_total_is_the_models_weighted_cross_entropy(model):
    batch = tiny_batch()
    loss = step(batch, model)
    expected = weighted_cross_entropy(batch.weight)(model(batch.images).logits, batch.targets)
    assert list(loss.terms) == ["ce"]
    assert loss.total.item() == pytest.approx(expected.item(), rel=1e-6)
    assert loss.total.requires_grad


def test_pairs_are_taken_as_their_images(model):
    pairs = tiny_pairs()
    assert step(pairs, model).total.item() == pytest.approx(step(pairs.joined(), model).total.item(), rel=1e-6)


def test_the_model_names_the_terms():
    scan = create_model("scan", options={"backbone": "resnet18", "shared_attention": True})
    loss = step(tiny_pairs(), scan)
    assert set(loss.terms) == {"attention", "regions"}
    assert loss.total.item() == pytest.approx(sum(term.item() for term in loss.terms.values()), rel=1e-6)
