"""``msde report`` as its user types it: what it writes, what it runs for that, and what it does with bad input."""

import json
import re
import shutil

import pytest


@pytest.fixture
def copy(finished, tmp_path):
    """The finished run's folder, to be damaged."""
    shutil.copytree(finished[0], tmp_path / "copy", ignore=shutil.ignore_patterns("analyses"))
    return tmp_path / "copy"


def analysed(run, name="said", **entries):
    """A result folder inside the run, as an analysis leaves it."""
    folder = run / "analyses" / name
    folder.mkdir(parents=True)
    document = {"analysis": name, "runs": ["run"], "sections": [{"title": f"About {name}", "text": "Much."}]}
    (folder / "result.json").write_text(json.dumps(document | entries))
    return folder


def test_one_file_with_analyses_that_are_run_once(msde, copy, tmp_path):
    measured = ["--set", "analysis.measured=2", "--set", "analysis.random_weights=false"]
    assert msde("analyze", "gradcam", "--run", copy, *measured).code == 0
    before = sorted(copy.rglob("*"))
    words = ["report", copy, "-o", "out/report.html", "--analyses", "gradcam,errors,tsne", "--json"]
    done = msde(*words)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["file"], told["runs"], told["problems"]) == ("out/report.html", ["run"], [])
    assert told["faces_shown"] > 0
    assert told["faces_withheld"] == 0
    page = (tmp_path / "out/report.html").read_text("utf-8")
    assert told["bytes"] == len(page.encode())
    for said in ("Grad-CAM", "t-SNE", "95 % interval", "synthetic faces", "6 subjects", "Loss by term", "msde report"):
        assert said in page, said
    views = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])["views"]
    assert {view["kind"] for view in views} == {"gallery", "scatter"}
    assert any("map" in cell for view in views for row in view.get("rows", ()) for cell in row), "of Grad-CAM"
    assert str(tmp_path) not in page, "where the sender keeps things"
    assert sorted(copy.rglob("*")) == before, "a report leaves runs alone"
    results = sorted((tmp_path / "out").glob("report-analyses/*/*/result.json"))
    assert [file.parent.name for file in results] == ["errors", "tsne"]
    stamps = [file.stat().st_mtime_ns for file in results]
    refused = msde(*words)
    assert (refused.code, "--force overwrites it" in refused.err) == (2, True)
    again = msde(*words, "--force")
    assert again.code == 0
    assert "errors of" not in again.err, "what was made before is used again"
    assert [file.stat().st_mtime_ns for file in results] == stamps


def test_damaged_results_are_left_out_with_a_note(msde, copy, tmp_path):
    (tmp_path / "secret.csv").write_text("a\nsecret\n")
    analysed(copy, "tsne")
    analysed(copy, "umap", tables=["../../../secret.csv"])
    analysed(copy, "errors", tables=["gone.csv"], figures=["no.png"])
    (copy / "analyses/errors/no.png").write_bytes(b"no picture")
    analysed(copy, "confusion", runs=["another"])
    analysed(copy, "calibration")
    (copy / "analyses/calibration/result.json").write_text("{")
    gallery = {"kind": "gallery", "title": "Lost", "run": "run", "entries": [["nobody"]]}
    analysed(copy, "gradcam", views=[gallery, {**gallery, "entries": [], "maps": "pickled"}])
    (copy / "analyses/gradcam/pickled.npz").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    done = msde("report", copy, "-o", "none.html", "--no-analyses")
    assert done.code == 0, done.err
    assert "About tsne" not in (tmp_path / "none.html").read_text("utf-8")
    done = msde("report", copy, "-o", "report.html", "--analyses", "tsne,umap,errors,confusion,calibration,gradcam")
    assert done.code == 0, done.err
    assert not (tmp_path / "report-analyses").exists(), "what the run has is not run again"
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "About tsne" in page
    assert "secret" not in page.replace("secret.csv", "")
    for note in ("calibration/result.json", "umap/result.json", "confusion is of runs that are not in this report"):
        assert note in done.err, note
    assert "no file &#39;gone.csv&#39; in it" in page
    assert "cannot be read as a PNG" in page
    assert "nobody" in page
    assert "holds no ids and maps" in page
    assert str(tmp_path) not in page, "where the sender keeps things"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], "not a run"),
        (["{run}", "nowhere"], "not a run"),
        (["{unfinished}"], "the run is not finished"),
        (["{run}", "{run}"], "Two runs are called"),
        (["{run}", "-o", "report.pdf"], "must end in .html"),
        (["{run}", "-o", "folder.html"], "a folder"),
        (["{run}", "-o", "file/report.html"], "cannot be written to"),
        (["{run}", "--analyses", "grad-cam"], "gradcam"),
        (["{run}", "--analyses", ","], "names no analysis"),
        (["{run}", "--analyses", "tsne", "--no-analyses"], "leave one of the two out"),
        (["{run}", "--root", "x"], "leave it out"),
        (["{run}", "--baseline", "other"], "needs two runs"),
        (["{run}", "--study", "x"], "leave the others out"),
        (["--study", "nowhere"], "not a study"),
        ([], "runs"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(msde, finished, copy, tmp_path, words, told):
    (copy / "summary.json").unlink()
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.html").mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = msde("report", *(word.format(run=finished[0], unfinished=copy) for word in words))
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert len(done.err.strip().splitlines()) <= 2, done.err
    assert sorted(tmp_path.rglob("*")) == before
