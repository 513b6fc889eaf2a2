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
from msde_gradcam.energy import mask_energy
from msde_gradcam.figure import overlay
from msde_gradcam.selection import choose
from msde_toolkit import figures
from msde_toolkit.cams import raw_maps
from msde_toolkit.interfaces import AnalysisContext
from msde_toolkit.types import CLASSES, InputError


def analyse(*runs, seed=0, **options):
    return GradCam(GradCam.Options(**options)).run(AnalysisContext(runs, Path(), seed=seed))


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_every_image_is_explained_by_the_model_that_held_it_out():
    run = tiny_run()
    result = analyse(run, samples=7, batch_size=3)
    arrays = result.arrays["maps"]
    fold_of = run.predictions.set_index("id")["fold"]
    assert len(arrays["ids"]) == 14
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
    assert again["maps"].shape == (28, 8, 8)
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
    result = analyse(run, samples=2, maps="all", target="label")
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


def test_mask_energy_of_a_map_made_by_hand():
    run = tiny_run()  # the mask covers the lower half
    table = run.predictions.iloc[[0, 1]].reset_index(drop=True)
    maps = np.zeros((2, 4, 4), dtype=np.float32)
    maps[0, 0, 0], maps[0, 3, 3] = 3.0, 1.0
    maps[1, 2:] = 1.0
    found = mask_energy(table, maps, run)
    assert table["condition"].tolist() == ["nm", "m"]
    assert found["mask_energy"].tolist() == [0.25, 1.0]
    assert found["mask_area"].tolist() == [0.5, 0.5]
    nothing = mask_energy(table, np.zeros_like(maps), run)
    assert nothing["mask_energy"].isna().all()


def test_summary_equals_the_table_and_is_json():
    result = analyse(tiny_run(), maps="all")
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
    assert (found["paired"], found["shown"], found["maps"]) == (True, 14, 42)
    assert "50.0% of the image" in result.sections[0].text


def test_predictions_that_come_out_differently_are_counted():
    run = tiny_run()
    changed = run.predictions.assign(predicted=lambda frame: (frame["predicted"] + 1) % 7)
    assert analyse(Predicted(run, changed)).summary["runs"][0]["predictions_not_reproduced"] == 28


class Predicted:
    """A run whose predictions were made elsewhere."""

    def __init__(self, run, predictions):
        self._run, self.predictions = run, predictions

    def __getattr__(self, name):
        return getattr(self._run, name)


def test_unknown_masks_leave_the_energy_out():
    result = analyse(tiny_run(with_masks=False))
    assert result.summary["runs"][0]["mask_energy"] is None
    assert result.tables["samples"]["mask_energy"].isna().all()


def test_single_condition_shows_what_there_is_and_says_so():
    result = analyse(tiny_run(paired_manifest(conditions=("m",))), samples=5)
    found = result.summary["runs"][0]
    assert (found["paired"], found["shown"], list(found["mask_energy"])) == (False, 5, ["m"])
    assert list(result.figures) == ["gradcam"]
    assert "no complete pairs" in " ".join(words(result.figures["gradcam"])).replace("\n", " ")


def test_unpaired_conditions_get_a_figure_each():
    manifest = paired_manifest()
    manifest = replace(manifest, frame=manifest.frame.assign(pair=None))
    result = analyse(tiny_run(manifest), samples=3)
    assert sorted(result.figures) == ["gradcam_m", "gradcam_nm"]
    assert result.summary["runs"][0]["shown"] == 6


def test_figure_shows_each_face_beside_its_map_in_words(tmp_path):
    run = tiny_run()
    figure = analyse(run).figures["gradcam"]
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
    blended = overlay(np.full((32, 32, 3), 128, dtype=np.uint8), cam)
    assert blended.shape == (32, 32, 3)
    assert blended[:4, :4].mean() > 2 * blended[16:, 16:].mean()
    assert np.isfinite(overlay(np.zeros((8, 8, 3), dtype=np.uint8), np.zeros((2, 2), dtype=np.float32))).all()


def test_two_runs_show_the_same_pairs():
    one, two = tiny_run(), tiny_run(folds=3, name="another run")
    result = analyse(one, two, samples=4)
    assert sorted(result.figures) == ["gradcam_20261124-0900-tiny-ce", "gradcam_another_run"]
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
    assert analyse(Predicted(run, again), maps="all").summary["runs"][0]["maps"] == 42


def test_model_without_cam_layer_and_run_without_predictions():
    run = tiny_run()
    with pytest.raises(InputError, match="no held-out predictions"):
        analyse(Predicted(run, run.predictions.iloc[:0]))
    for model in run.models.values():
        model.cam_targets = list
    with pytest.raises(InputError, match=r"cam_targets\(\) is empty"):
        analyse(run)
