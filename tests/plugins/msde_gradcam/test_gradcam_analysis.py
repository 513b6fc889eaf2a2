"""The whole analysis on a complete run: who is shown, by which model, what the tables, arrays and figures say."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from in_memory_run import paired_manifest, tiny_run
from matplotlib.text import Text

from msde_gradcam.analysis import GradCam
from msde_gradcam.controls import with_random_weights
from msde_gradcam.energy import shares
from msde_gradcam.regions import bordered, guessed, regions_of
from msde_gradcam.selection import choose, measured
from msde_toolkit import figures
from msde_toolkit.cams import raw_maps
from msde_toolkit.interfaces import AnalysisContext
from msde_toolkit.types import CLASSES, InputError


def analyse(*runs, seed=0, samples=2, **options):
    """With two pairs in the figure, for drawing takes the longest."""
    return GradCam(GradCam.Options(samples=samples, **options)).run(AnalysisContext(runs, Path(), seed=seed))


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_every_image_is_explained_by_the_model_that_held_it_out():
    run = tiny_run()
    result = analyse(run, samples=7, batch_size=3)
    arrays = result.arrays["maps"]
    fold_of = run.predictions.set_index("id")["fold"]
    assert len(arrays["ids"]) == 42, "all are measured, for there are few"
    for row, sample in enumerate(arrays["ids"].tolist()):
        model = run.model(fold_of[sample])
        pixels = torch.tensor(run.images([sample])).permute(0, 3, 1, 2) / 255
        target = torch.tensor([arrays["target"][row]])
        alone = raw_maps(model, model.cam_targets()[0], model.input_spec.normalise(pixels), target).maps[0]
        np.testing.assert_allclose(arrays["maps"][row], alone, rtol=1e-4, atol=1e-5)
    assert arrays["target"].tolist() == arrays["predicted"].tolist()


def test_arrays_open_without_pickle(tmp_path):
    arrays = analyse(tiny_run()).arrays["maps"]
    np.savez(tmp_path / "maps.npz", **arrays)
    again = np.load(tmp_path / "maps.npz", allow_pickle=False)
    assert again["maps"].dtype == np.float32
    assert again["maps"].shape == (42, 8, 8)
    assert set(again["condition"]) == {"nm", "m"}


def test_pairs_shown_are_balanced_and_blind_to_the_answer():
    held_out = tiny_run(paired_manifest(pairs=42)).predictions
    [shown] = choose(held_out, 14, seed=0)
    labels = held_out.set_index("id")["label"]
    assert shown.conditions == ("nm", "m")
    assert [labels[nm] for nm, _ in shown.entries] == sorted(list(range(7)) * 2)
    assert all(nm[:3] == m[:3] for nm, m in shown.entries)
    flipped = held_out.assign(predicted=(held_out["label"] + 1) % 7)
    assert choose(flipped, 14, seed=0) == [shown]
    assert choose(held_out.sample(frac=1, random_state=0), 14, seed=0) == [shown]
    assert choose(held_out, 14, seed=1) != [shown]
    assert len(choose(held_out, 5, seed=0)[0].entries) == 5
    assert len(choose(held_out, 200, seed=0)[0].entries) == 42


def test_maps_of_all_samples_and_of_the_label():
    run = tiny_run()
    result = analyse(run, samples=2, measured=0, target="label")
    table = result.tables["samples"]
    assert len(table) == 42
    assert table["shown"].sum() == 4
    assert (table["target"] == table["label"]).all()
    assert result.summary["runs"][0]["maps"] == 42
    assert "true class at layer" in " ".join(words(result.figures["gradcam"])).replace("\n", " ")


def test_other_layer_and_unknown_layer():
    run = tiny_run()
    assert analyse(run, layer="first convolution").arrays["maps"]["maps"].shape[1:] == (16, 16)
    with pytest.raises(InputError, match=r"'second convolution', 'first convolution'"):
        analyse(run, layer="layer9")


HALF = np.repeat([0.0, 1.0], 16)[:, None] * np.ones((1, 32))  # a mask over the lower half


def test_mask_energy_is_exactly_one_nothing_and_the_area_on_maps_made_by_hand():
    maps = np.zeros((5, 4, 4), dtype=np.float32)
    maps[0, 2:] = 1.0  # all on the mask
    maps[1, :2] = 0.3  # all beside it
    maps[2] = 1.0  # uniform
    maps[3, 0, 0], maps[3, 3, 3] = 3.0, 1.0
    energy, area = shares(maps, [HALF] * 5)
    assert energy[:4].tolist() == [1.0, 0.0, 0.5, 0.25]
    assert np.isnan(energy[4]), "a map without positive evidence has no share"
    assert area.tolist() == [0.5] * 5
    third = np.ones((1, 7, 7), dtype=np.float32)
    odd = np.zeros((32, 32))
    odd[13:, 5:27] = 1.0  # on no cell's border
    energy, area = shares(third, [odd])
    assert energy[0] == area[0], "a uniform map has a lift of exactly 1 on every grid"
    assert np.isnan(shares(third, [None])[0][0])


def test_a_border_moves_by_a_cell_but_not_at_the_pictures_edge():
    assert bordered(HALF, "exact", 8)[16:].min() == 1.0
    assert np.array_equal(bordered(HALF, "dilated", 8)[:, 0], np.repeat([0.0, 1.0], [8, 24]))
    assert np.array_equal(bordered(HALF, "eroded", 8)[:, 0], np.repeat([0.0, 1.0], [24, 8]))
    assert bordered(HALF, "eroded", 16).max() == 0.0


def test_an_unmasked_image_is_measured_on_its_partners_mask():
    run = tiny_run()
    table = run.predictions.iloc[[0, 1]]
    assert table["condition"].tolist() == ["nm", "m"]
    found = regions_of(run, table, 32)
    assert [found[sample].source for sample in table["id"]] == ["mask", "mask"]
    assert np.array_equal(found[table["id"].iat[0]].alpha, HALF)
    assert regions_of(tiny_run(with_masks=False), table, 32, "mask") == {}


def test_a_guessed_region_is_the_lower_face_and_follows_the_recipes_margin():
    plain, wider = guessed(64), guessed(64, margin=0.5)
    assert plain[:24].max() == 0.0
    assert plain[40:56, 24:40].min() == 1.0
    assert wider.sum() == pytest.approx(plain.sum() / 1.5**2, rel=0.03)
    manifest = paired_manifest(prep="eyes v1, margin 0.5, size 64")
    run = tiny_run(manifest, with_masks=False)
    region = next(iter(regions_of(run, run.predictions.iloc[[0]], 64).values()))
    assert region.source == "average face"
    assert np.array_equal(region.alpha, wider)


def test_measured_pairs_bring_as_many_subjects_as_they_can():
    held_out = tiny_run(paired_manifest(pairs=42)).predictions
    groups = dict(zip(held_out["id"], held_out["subject"], strict=True))
    some = measured(held_out, groups, 9, seed=0)
    assert len(some) == 18
    counts = pd.Series([groups[sample] for sample in some[:9]]).value_counts()
    assert (len(counts), counts.max()) == (7, 2)
    assert [nm[:3] for nm in some[:9]] == [m[:3] for m in some[9:]]
    assert some == measured(held_out.sample(frac=1, random_state=1), groups, 9, seed=0)
    assert some != measured(held_out, groups, 9, seed=1)
    assert len(measured(held_out, groups, 0, seed=0)) == 84
    alone = held_out[held_out["condition"] == "m"]
    assert len(measured(alone, groups, 9, seed=0)) == 9


def test_random_weights_are_another_network_with_sensible_statistics_and_leave_the_model_alone():
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
    model.register_parameter("scale", torch.nn.Parameter(torch.arange(6.0)))
    model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images = 5 + torch.randn(8, 3, 16, 16)
    fresh, again = (with_random_weights(model, images, seed=0) for _ in range(2))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not torch.allclose(fresh[0].weight, model[0].weight)
    assert torch.equal(fresh[0].weight, again[0].weight)
    assert sorted(fresh.scale.tolist()) == list(range(6))
    normed = fresh[1](fresh[0](images)).detach()
    assert (fresh.training, abs(float(normed.mean())) < 1e-4, abs(float(normed.std()) - 1) < 0.01) == (
        False,
        True,
        True,
    )


def test_summary_equals_the_table_and_is_json():
    result = analyse(tiny_run(), measured=0)
    found = json.loads(json.dumps(result.summary))["runs"][0]
    table = result.tables["samples"]
    for condition in ("nm", "m"):
        part = table[table["condition"] == condition]
        energy = found["mask_energy"][condition]
        assert energy["energy_share"] == pytest.approx(part["mask_energy"].mean())
        assert energy["ci95"][0] < energy["energy_share"] < energy["ci95"][1]
        assert energy["n"] == part["mask_energy"].notna().sum()
        assert (energy["area_share"], energy["groups"], energy["few_groups"]) == (0.5, 7, True)
    empty = result.arrays["maps"]["maps"].max(axis=(1, 2)) == 0
    assert found["maps_without_positive_evidence"] == empty.sum() == table["mask_energy"].isna().sum()
    assert found["predictions_not_reproduced"] == 0
    assert found["layer"] == "second convolution"
    assert (found["paired"], found["shown"], found["maps"]) == (True, 2, 42)
    assert "50.0% of the image" in result.sections[0].text


def test_the_table_of_energies_tells_conditions_classes_answers_borders_and_controls_apart():
    result = analyse(tiny_run(), measured=0, method="gradcam,layercam")
    table, samples = result.tables["mask_energy"], result.tables["samples"]
    whole = table[(table["class"] == "all") & (table["right"] == "all")].set_index(
        ["method", "weights", "border", "condition"]
    )
    uniform = whole.loc[("gradcam", "none: a uniform map", "exact")]
    assert uniform.loc[["nm", "m"], "lift"].tolist() == [1.0, 1.0]
    assert uniform.loc["m", "energy"] == uniform.loc["m", "area"] == 0.5
    pairs = samples.pivot_table(index="pair", columns="condition", values="mask_lift").dropna()
    assert whole.loc[("gradcam", "trained", "exact", "m - nm"), "lift"] == pytest.approx(
        (pairs["m"] - pairs["nm"]).mean()
    )
    assert whole.loc[("gradcam", "trained", "exact", "m - nm"), "n"] == len(pairs)
    assert (
        whole.loc[("gradcam", "random", "exact", "m"), "lift"]
        != whole.loc[("gradcam", "trained", "exact", "m"), "lift"]
    )
    assert (
        whole.loc[("gradcam", "trained", "dilated", "m"), "area"]
        > 0.5
        > whole.loc[("gradcam", "trained", "eroded", "m"), "area"]
    )
    assert ("layercam", "trained", "exact", "m") in whole.index
    right = samples[(samples["label"] == samples["predicted"]) & (samples["condition"] == "m")]
    own = table[(table["method"] == "gradcam") & (table["weights"] == "trained") & (table["border"] == "exact")]
    told = own[(own["right"] == "right") & (own["condition"] == "m")].iloc[0]
    assert told["energy"] == pytest.approx(right["mask_energy"].mean())
    assert set(own["class"]) == {"all", *CLASSES}
    assert not told["reliable"]
    guess = result.summary["runs"][0]["guessed_region"]
    assert (guess["n"], 0 < guess["iou"] < 1) == (21, True)


def test_methods_that_are_none_are_refused():
    for method in ("scorecam", "gradcam,gradcam", ""):
        with pytest.raises(ValueError, match="method"):
            GradCam.Options(method=method)


def test_road_finds_an_order_that_matters_and_none_in_noise():
    result = analyse(tiny_run(), samples=1, measured=7, road=7, random_weights=False)
    table = result.tables["faithfulness"].set_index(["method", "condition"])
    assert set(table.index.get_level_values(0)) == {"gradcam", "random order"}
    assert table["n"].tolist() == [7] * 4
    assert ((table["lerf"] - table["morf"]) / 2).tolist() == pytest.approx(table["road"].tolist())
    assert table.loc["gradcam", "road"].mean() > table.loc["random order", "road"].mean()
    again = analyse(tiny_run(), samples=1, measured=7, road=7, random_weights=False)
    pd.testing.assert_frame_equal(again.tables["faithfulness"], result.tables["faithfulness"])


def test_predictions_that_come_out_differently_are_counted():
    run = tiny_run()
    changed = run.predictions.assign(predicted=lambda frame: (frame["predicted"] + 1) % 7)
    assert analyse(Predicted(run, changed)).summary["runs"][0]["predictions_not_reproduced"] == 42


class Predicted:
    """A run whose predictions were made elsewhere."""

    def __init__(self, run, predictions):
        self._run, self.predictions = run, predictions

    def __getattr__(self, name):
        return getattr(self._run, name)


def test_unknown_masks_are_guessed_and_said_so_or_left_out():
    guessed_ones = analyse(tiny_run(with_masks=False))
    assert guessed_ones.summary["runs"][0]["region"] == "average face"
    assert guessed_ones.summary["runs"][0]["guessed_region"] is None
    assert "cannot be measured here: no mask is known" in guessed_ones.sections[0].text
    result = analyse(tiny_run(with_masks=False), region="mask")
    assert list(result.figures) == ["gradcam"]
    assert result.summary["runs"][0]["mask_energy"] is None
    assert result.tables["samples"]["mask_energy"].isna().all()


def test_single_condition_shows_what_there_is_and_says_so():
    result = analyse(tiny_run(paired_manifest(conditions=("m",))), samples=5)
    found = result.summary["runs"][0]
    assert (found["paired"], found["shown"], list(found["mask_energy"])) == (False, 5, ["m"])
    assert list(result.figures) == ["gradcam", "mask_energy"]
    assert "no complete pairs" in " ".join(words(result.figures["gradcam"])).replace("\n", " ")


def test_unpaired_conditions_get_a_figure_each():
    manifest = paired_manifest()
    manifest = replace(manifest, frame=manifest.frame.assign(pair=None))
    result = analyse(tiny_run(manifest), samples=3)
    assert sorted(result.figures) == ["gradcam_m", "gradcam_nm", "mask_energy"]
    assert result.summary["runs"][0]["shown"] == 6


def test_figure_shows_each_face_beside_its_map_in_words(tmp_path):
    run = tiny_run()
    figure = analyse(run, samples=14).figures["gradcam"]
    png, svg = figures.save_figure(figure, tmp_path / "gradcam")
    assert png.stat().st_size > 20_000
    assert "synthetic faces" in svg.read_text()
    assert len([axes for axes in figure.axes if axes.images]) == 14 * 4
    shown = words(figure)
    assert "Grad-CAM, scaled per image" in shown
    headings = [text for text in shown if text.endswith((": right", ": wrong"))]
    assert len(headings) == 28
    for heading in headings:
        truth, _, rest = heading.partition(" → ")
        answer, _, verdict = rest.partition(": ")
        assert verdict == ("right" if truth == answer else "wrong")
    assert {heading.split(" ")[0] for heading in headings} == set(CLASSES)
    assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) >= 7
    sides = {tuple(np.round(axes.get_window_extent().size)) for axes in figure.axes if axes.images}
    assert all(width == height for width, height in sides)


def test_overlay_is_dark_where_nothing_is_found_and_bright_at_the_peak():
    cam = np.zeros((4, 4), dtype=np.float32)
    cam[0, 0] = 7.0
    blended = figures.overlay(np.full((32, 32, 3), 128, dtype=np.uint8), cam)
    assert blended.shape == (32, 32, 3)
    assert blended[:4, :4].mean() > 2 * blended[16:, 16:].mean()
    assert np.isfinite(figures.overlay(np.zeros((8, 8, 3), dtype=np.uint8), np.zeros((2, 2), dtype=np.float32))).all()


def test_two_runs_show_the_same_pairs():
    one, two = tiny_run(), tiny_run(folds=3, name="another run")
    result = analyse(one, two, samples=4)
    assert sorted(result.figures) == [
        "gradcam_20261124-0900-tiny-ce",
        "gradcam_another_run",
        "gradcam_runs",
        "mask_energy",
    ]
    together = result.figures["gradcam_runs"]
    assert len([axes for axes in together.axes if axes.images]) == 4 * 2 * (1 + 2)
    assert any("another run" in text for text in words(together)), "the note says which run is which"
    crossed = sum(text.startswith("✗ ") for text in words(together))
    wrong = result.tables["samples"].query("shown and label != predicted")
    assert crossed == len(wrong)
    assert sorted(result.faces["gradcam_runs"]) == sorted(set(result.tables["samples"].query("shown")["id"]))
    assert [view.run for view in result.views] == [one.name, two.name]
    assert all(view.maps in result.arrays for view in result.views)
    shown = result.tables["samples"].groupby("run")["id"].agg(set)
    assert shown.iloc[0] == shown.iloc[1]


@pytest.mark.parametrize(
    ("synthetic", "consent", "noted"), [(True, None, False), (False, None, True), (False, "publish", False)]
)
def test_faces_without_consent_are_noted(synthetic, consent, noted):
    manifest = paired_manifest(synthetic=synthetic, consent=consent)
    result = analyse(tiny_run(manifest, title="TinyNet"), samples=2)
    found = result.summary["runs"][0]
    assert found["faces_shown"] is True
    assert (found["faces_note"] is not None) == noted
    assert ("without recorded consent" in result.sections[0].text) == noted
    assert any("synthetic" in text for text in words(result.figures["gradcam"])) == synthetic


def test_only_the_first_repeat_is_explained():
    run = tiny_run()
    again = pd.concat([run.predictions, run.predictions.assign(repeat=1, predicted=0)], ignore_index=True)
    assert analyse(Predicted(run, again), measured=0).summary["runs"][0]["maps"] == 42


def test_model_without_cam_layer_and_run_without_predictions():
    run = tiny_run()
    with pytest.raises(InputError, match="no held-out predictions"):
        analyse(Predicted(run, run.predictions.iloc[:0]))
    for model in run.models.values():
        model.cam_targets = list
    with pytest.raises(InputError, match=r"cam_targets\(\) is empty"):
        analyse(run)
