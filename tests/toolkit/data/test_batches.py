"""Batches: every row once an epoch, no tiny batch, pairs side by side, an order that the seed alone decides."""

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from msde_toolkit.data import augmentation
from msde_toolkit.data.augmentation import AugmentationOptions
from msde_toolkit.data.batches import BatchSource, TrainingPlan
from msde_toolkit.types import Batch, Manifest, PairBatch

SIDE = 8
OFF = AugmentationOptions(flip=0, rotation=0, shift=0, zoom=0, brightness=0, contrast=0, saturation=0)
CPU = torch.device("cpu")


def samples(n):
    """A manifest of n samples, every field of which tells its row, and images that differ."""
    frame = pd.DataFrame(
        {
            "id": [f"i{row}" for row in range(n)],
            "label": [row % 7 for row in range(n)],
            "condition": ["nm" if row % 2 == 0 else "m" for row in range(n)],
            "weight": [1.0 + row for row in range(n)],
            "pair": [f"p{row // 2}" for row in range(n)],
        }
    )
    frame["target"] = [[0.1] * 3 + [0.4] + [0.1] * 3 if row == 3 else None for row in range(n)]
    pixels = np.random.default_rng(0).integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8)
    return Manifest.from_frame(frame, "numbered"), pixels


def served(source, plan, *seed):
    return list(source.epoch(plan, *seed))


def rows_in(batch):
    return [int(sample[1:]) for sample in batch.ids]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 150), st.integers(2, 40))
def test_every_sample_once_in_batches_of_nearly_one_size(n, batch_size):
    manifest, pixels = samples(n)
    plan = TrainingPlan(np.arange(n), batch_size, OFF)
    batches = served(BatchSource(manifest, pixels, CPU), plan, 0)
    sizes = [len(batch) for batch in batches]
    assert sorted(row for batch in batches for row in rows_in(batch)) == list(range(n))
    assert len(sizes) == plan.steps
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 2
    assert max(sizes) <= max(3, 1.5 * batch_size)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(2, 40))
def test_every_pair_once_and_a_pair_counts_as_two_images(pairs, batch_size):
    manifest, pixels = samples(2 * pairs)
    plan = TrainingPlan(manifest.pairs()[["nm", "m"]].to_numpy(), batch_size, OFF)
    assert plan.pairs
    batches = served(BatchSource(manifest, pixels, CPU), plan, 0)
    assert len(batches) == plan.steps
    sizes = [len(batch) for batch in batches]
    assert min(sizes) >= 2
    assert max(sizes) - min(sizes) in {0, 2}
    seen = []
    for batch in batches:
        assert isinstance(batch, PairBatch)
        assert [row + 1 for row in rows_in(batch.nm)] == rows_in(batch.m)
        seen += rows_in(batch.nm)
    assert sorted(seen) == list(range(0, 2 * pairs, 2))


@pytest.mark.parametrize(("n", "sizes"), [(33, [33]), (47, [47]), (49, [25, 24]), (65, [33, 32]), (97, [33, 32, 32])])
def test_the_rest_is_shared_out_rather_than_left_as_a_small_batch(n, sizes):
    manifest, pixels = samples(n)
    batches = served(BatchSource(manifest, pixels, CPU), TrainingPlan(np.arange(n), 32, OFF), 0)
    assert [len(batch) for batch in batches] == sizes


def test_the_seed_alone_decides_the_order():
    manifest, pixels = samples(64)
    plan = TrainingPlan(np.arange(64), 16, AugmentationOptions())
    first, second = (BatchSource(manifest, pixels, CPU) for _ in range(2))
    served(second, plan, 9, "warm up")  # what was served before must not matter
    one, other = served(first, plan, 0, "fold", 1, 0), served(second, plan, 0, "fold", 1, 0)
    assert [batch.ids for batch in one] == [batch.ids for batch in other]
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a.images, b.images)
    for seed in [(1, "fold", 1, 0), (0, "fold", 2, 0), (0, "fold", 1, 1)]:
        assert [batch.ids for batch in served(first, plan, *seed)] != [batch.ids for batch in one]


@pytest.mark.parametrize("soft", [True, False], ids=["soft targets", "one-hot"])
def test_a_batch_holds_what_the_manifest_says_of_its_rows(soft):
    manifest, pixels = samples(20)
    source = BatchSource(manifest, pixels, CPU, soft_targets=soft)
    targets = torch.from_numpy(manifest.targets()) if soft else F.one_hot(torch.tensor(manifest.labels), 7).float()
    assert soft == (not torch.equal(targets, F.one_hot(torch.tensor(manifest.labels), 7).float()))
    for batch in [*served(source, TrainingPlan(np.arange(20), 6, OFF), 0), *source.plain(np.array([3, 19, 0]), 2)]:
        rows = rows_in(batch)
        assert batch.labels.tolist() == [row % 7 for row in rows]
        assert batch.weight.tolist() == [1.0 + row for row in rows]
        assert [batch.conditions[index] for index in batch.condition] == ["nm" if row % 2 == 0 else "m" for row in rows]
        assert torch.equal(batch.targets, targets[rows])
        torch.testing.assert_close(batch.targets.sum(1), torch.ones(len(rows)))


def test_plain_gives_the_cached_pixels_in_the_order_asked_for():
    manifest, pixels = samples(11)
    rows = np.array([10, 0, 4, 4, 7])
    batches = list(BatchSource(manifest, pixels, CPU).plain(rows, 2))
    assert all(isinstance(batch, Batch) for batch in batches)
    assert [len(batch) for batch in batches] == [2, 2, 1]
    images = torch.cat([batch.images for batch in batches])
    assert images.dtype == torch.float32
    assert images.shape == (5, 3, SIDE, SIDE)
    assert [row for batch in batches for row in rows_in(batch)] == rows.tolist()
    assert np.array_equal((images * 255).round().byte().permute(0, 2, 3, 1).numpy(), pixels[rows])
    assert list(BatchSource(manifest, pixels, CPU).plain(np.array([], dtype=np.int64), 2)) == []


def test_both_images_of_a_pair_are_changed_alike():
    manifest, pixels = samples(12)
    pixels[1::2] = pixels[::2]  # the masked image is the unmasked one, so the same change gives the same pixels
    plan = TrainingPlan(manifest.pairs()[["nm", "m"]].to_numpy(), 6, AugmentationOptions(rotation=40, shift=0.3))
    changed = 0
    for batch in served(BatchSource(manifest, pixels, CPU), plan, 0):
        assert torch.equal(batch.nm.images, batch.m.images)
        plain = torch.from_numpy(pixels[rows_in(batch.nm)]).permute(0, 3, 1, 2) / 255
        changed += int(((batch.nm.images - plain).abs().amax(dim=(1, 2, 3)) > 0.05).sum())
    assert changed == 6


def test_an_image_is_changed_the_same_in_any_company():
    manifest, pixels = samples(30)
    options = AugmentationOptions()
    source = BatchSource(manifest, pixels, CPU)

    def images(rows, batch_size):
        batches = served(source, TrainingPlan(rows, batch_size, options), 5)
        return {sample: image for batch in batches for sample, image in zip(batch.ids, batch.images, strict=True)}

    everyone, few = images(np.arange(30), 30), images(np.array([4, 9, 21, 2]), 2)
    for sample, image in few.items():
        torch.testing.assert_close(image, everyone[sample], atol=1e-5, rtol=0)


def test_an_epoch_can_be_left_early():
    manifest, pixels = samples(40)
    source = BatchSource(manifest, pixels, CPU)
    epoch = source.epoch(TrainingPlan(np.arange(40), 8, OFF), 0)
    first = next(epoch)
    epoch.close()
    assert first.ids == served(source, TrainingPlan(np.arange(40), 8, OFF), 0)[0].ids


def test_augmentation_that_is_off_leaves_the_pixels():
    manifest, pixels = samples(16)
    for batch in served(BatchSource(manifest, pixels, CPU), TrainingPlan(np.arange(16), 4, OFF), 0):
        plain = torch.from_numpy(pixels[rows_in(batch)]).permute(0, 3, 1, 2) / 255
        torch.testing.assert_close(batch.images, plain, atol=1e-5, rtol=0)
        assert torch.equal(augmentation.draw(list(batch.ids), OFF, 0)[:, 1:4], torch.zeros(len(batch), 3))
