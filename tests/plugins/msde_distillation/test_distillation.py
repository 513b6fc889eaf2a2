"""Knowledge distillation: Eq. 4 of the paper, what the student sees, and a teacher that stays as it is."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from reference_vectors import loss_case, needs_vectors
from tiny_batches import tiny_batch, tiny_context, tiny_pairs, weighted_cross_entropy

from msde_distillation.loss import distillation_terms
from msde_toolkit import create_loss, create_model
from msde_toolkit.types import InputError, ModelOutput, PairBatch


def teacher(model):
    """As a loss gets it: frozen, in evaluation mode, without gradient."""
    model.eval().requires_grad_(False)
    return torch.no_grad()(lambda images: model(images))


def context(model=None, seed=(0,)):
    return replace(tiny_context(), teacher=teacher(model or create_model("resnet18")), seed=seed)


def echo(images):
    """A network whose features are the image's mean colour."""
    features = images.flatten(2).mean(dim=2) if images.dim() > 2 else images
    return ModelOutput(logits=features.repeat(1, 3)[:, :7], features=features)


class Seen:
    """A forward that keeps what it was shown."""

    def __init__(self):
        self.images = []

    def __call__(self, images):
        self.images.append(images)
        return echo(images)


def shown(pairs, seed=(0,), share=0.5):
    """Which rows of one step showed the student the unmasked image."""
    seen = Seen()
    create_loss("kd", {"unmasked_share": share}).step(
        create_model("resnet18"), seen, pairs, replace(tiny_context(), teacher=echo, seed=seed)
    )
    (images,) = seen.images
    unmasked = (images == pairs.nm.images).flatten(1).all(dim=1)
    masked = (images == pairs.m.images).flatten(1).all(dim=1)
    assert bool((unmasked ^ masked).all()), "each row is one of its own pair's two images"
    return unmasked.tolist()


@needs_vectors
@pytest.mark.parametrize("case", range(3))
def test_terms_match_the_reference(case):
    expected, drawn = loss_case(case)
    width, classes = expected["F"], expected["C"]
    student = {"ce": F.cross_entropy(drawn("logit_b", classes, 2), torch.tensor(expected["labels"]))}
    terms = distillation_terms(drawn("feat_b", width, 1), drawn("feat_a", width, 1), student)
    assert terms["mse"].item() == pytest.approx(100 * expected["mse_mean_over_all"], rel=1e-5)
    assert terms["ce"].item() == pytest.approx(expected["ce_b"], rel=1e-5)
    assert sum(term.item() for term in terms.values()) == pytest.approx(expected["kd_total"], rel=1e-5)


@pytest.mark.parametrize(("align", "weight"), [("features", 100.0), ("maps", 7.0)])
def test_a_step_is_the_chosen_images_with_their_own_weights_and_targets(align, weight):
    torch.manual_seed(0)
    student, pairs = create_model("resnet18"), tiny_pairs(8, 32)
    surroundings = context()
    loss = create_loss("kd", {"align": align, "mse_weight": weight}).step(student, student, pairs, surroundings)

    unmasked = torch.tensor(shown(pairs))
    assert 0 < unmasked.sum() < 8
    rows = [(pairs.nm if bare else pairs.m, row) for row, bare in enumerate(unmasked.tolist())]
    output = student(torch.stack([half.images[row] for half, row in rows]))
    target = surroundings.teacher(pairs.nm.images)
    criterion = weighted_cross_entropy(torch.stack([half.weight[row] for half, row in rows]))
    targets = torch.stack([half.targets[row] for half, row in rows])
    if align == "features":
        distance = (output.features - target.features).pow(2).mean()
    else:
        unit = [maps / maps.norm(dim=1, keepdim=True) for maps in (output.extras["maps"], target.extras["maps"])]
        distance = (unit[0] - unit[1]).pow(2).mean()
    assert loss.terms["mse"].item() == pytest.approx(weight * distance.item(), rel=1e-4)
    assert loss.terms["ce"].item() == pytest.approx(criterion(output.logits, targets).item(), rel=1e-4)
    assert loss.total.item() == pytest.approx(sum(term.item() for term in loss.terms.values()), rel=1e-6)


def test_what_the_student_sees_follows_the_sample_not_its_place_in_the_batch():
    pairs = tiny_pairs(40, 4)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(3))

    def moved(half):
        parts = {name: getattr(half, name)[order] for name in ("images", "labels", "targets", "weight", "condition")}
        return replace(half, ids=tuple(half.ids[row] for row in order.tolist()), **parts)

    first = shown(pairs)
    assert shown(PairBatch(moved(pairs.nm), moved(pairs.m))) == [first[row] for row in order.tolist()]
    assert shown(pairs) == first
    assert shown(pairs, seed=(0, 0, 0, 1)) != first, "another epoch draws anew"


@pytest.mark.parametrize(("share", "least", "most"), [(0, 0, 0), (0.5, 160, 240), (0.9, 330, 390), (1, 400, 400)])
def test_the_share_of_unmasked_images(share, least, most):
    assert least <= sum(shown(tiny_pairs(400, 2), share=share)) <= most


def test_the_teacher_sees_every_unmasked_image_and_the_student_one_image_a_pair():
    pairs, tutor, student = tiny_pairs(6, 8), Seen(), Seen()
    create_loss("kd").step(create_model("resnet18"), student, pairs, replace(tiny_context(), teacher=tutor))
    assert [len(images) for images in student.images] == [6]
    assert [torch.equal(images, pairs.nm.images) for images in tutor.images] == [True]


def test_the_student_learns_and_the_teacher_stays_as_it_is():
    torch.manual_seed(0)
    tutor, student, pairs = create_model("resnet18"), create_model("resnet18"), tiny_pairs(6, 32)
    surroundings = context(tutor)
    before = {name: value.clone() for name, value in tutor.state_dict().items()}
    optimizer = torch.optim.Adam([*student.parameters(), *tutor.parameters()], 1e-3)
    losses = []
    for _ in range(8):
        loss = create_loss("kd").step(student, student, pairs, surroundings)
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        losses.append({name: term.item() for name, term in loss.terms.items()})
    assert losses[-1]["mse"] < 0.7 * losses[0]["mse"]
    assert losses[-1]["ce"] < 0.9 * losses[0]["ce"]
    assert all(parameter.grad is None for parameter in tutor.parameters())
    assert all(torch.equal(value, before[name]) for name, value in tutor.state_dict().items())
    assert student.backbone.bn1.num_batches_tracked == 8


def test_features_of_the_teacher_are_constants_even_where_it_is_not_frozen():
    student, given = torch.rand(2, 4, requires_grad=True), torch.rand(2, 4, requires_grad=True)
    distillation_terms(student, given, {})["mse"].backward()
    assert given.grad is None
    assert student.grad.abs().sum() > 0


def test_stored_features_of_a_frozen_backbone_are_chosen_like_images():
    pairs = tiny_pairs(40, 4)
    stored = PairBatch(*(replace(half, images=half.images.flatten(1)[:, :3]) for half in (pairs.nm, pairs.m)))
    assert shown(stored) == shown(pairs)


def test_scan_brings_its_own_terms():
    scan = create_model("scan", options={"backbone": "resnet18", "shared_attention": True})
    surroundings = context(create_model("scan", options={"backbone": "resnet18", "shared_attention": True}))
    loss = create_loss("kd").step(scan, scan, tiny_pairs(), surroundings)
    assert set(loss.terms) == {"mse", "attention", "regions"}


def test_what_it_cannot_work_with_is_refused():
    model, loss = create_model("resnet18"), create_loss("kd")
    with pytest.raises(InputError, match="needs pairs"):
        loss.step(model, model, tiny_batch(), context())
    with pytest.raises(InputError, match="needs a teacher"):
        loss.step(model, model, tiny_pairs(), tiny_context())
    with pytest.raises(InputError, match=r"\[3\] and \[512\]: take a teacher of the student's model"):
        loss.step(model, model, tiny_pairs(), replace(tiny_context(), teacher=echo))
    with pytest.raises(InputError, match=r"^loss\.unmasked_share = "):
        create_loss("kd", {"unmasked_share": 1.1})
    assert loss.needs_pairs
    assert loss.needs_teacher


def test_a_reader_learns_what_the_maps_can_do():
    output = create_model("resnet18").eval()(torch.rand(2, 3, 32, 32))
    assert not create_loss("kd").notes(output)
    (note,) = create_loss("kd", {"align": "maps"}).notes(output)
    assert "2/512 = 0.0039; times its weight 100 that is 0.3906, or 20.07% of the cross entropy of a guess" in note


def test_the_profile_of_the_released_code_is_accepted_by_the_options():
    switches = {switch.key: switch.value for switch in type(create_loss("kd")).profiles["code"]}
    assert switches == {"loss.align": "maps", "train.lr_backbone": 1e-2, "train.lr_head": 1e-2}
    own = {key.removeprefix("loss."): value for key, value in switches.items() if key.startswith("loss.")}
    assert create_loss("kd", own).options.align == "maps"
    assert create_loss("kd").options.align == "features"
