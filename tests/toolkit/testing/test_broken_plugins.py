"""The kit catches what it is there for: each broken plugin fails the one check that it breaks, with its reason."""

import re

import pytest

from msde_toolkit.testing import check

MODELS = [
    ("always-ten-classes", "shapes", r"logits of 1 images and 7 classes are \[1, 10\]"),
    ("maps-as-features", "shapes", r"features of 1 images are \[1, 8, 4, 4\]"),
    ("extras-of-the-batch", "shapes", "mean of 1 images has 8 rows"),
    ("seeds-itself", "same seed, same weights", "every seed gives the same weights"),
    ("weights-of-numpy", "same seed, same weights", "from one seed, these differ: head.bias"),
    ("drops-in-evaluation", "evaluation is repeatable", "other logits the second time"),
    ("centres-on-the-batch", "rows are independent", "an image alone differs by"),
    ("left-over", "gradient reaches every parameter", "2 of 10 get no gradient: unused.weight, unused.bias"),
    ("nothing-in-the-backbone", "parameter groups", "the group backbone is empty"),
    ("head-twice", "parameter groups", "a parameter is in the groups twice"),
    ("weights-aside", "saved and loaded it is the same", "the loaded model gives other logits"),
    ("stays-in-evaluation", "evaluation does not leak into training", "no longer updates backbone.1.running_mean"),
    ("learns-in-evaluation", "evaluation does not leak into training", "evaluation changes backbone.1.running_mean"),
    ("log-of-a-difference", "bf16 gives finite numbers", "the classification term 'ce' is"),
    ("runs-its-layer-twice", "Grad-CAM's layers", "last: the layer runs 2 times in one pass"),
    ("explains-what-is-unused", "Grad-CAM's layers", "side: the logits do not depend on it"),
    ("lands-on-one-face", "Grad-CAM's layers", r"to_face of \[2, 4, 4\] is \[1, 4, 4\]"),
    ("breaks-on-small-images", "too small an image is said to be", "RuntimeError: .*[Oo]utput size is too small"),
    ("frozen-yet-another", "frozen features", r"classify\(embed\(images\)\) differs from forward"),
    ("frozen-yet-moving", "frozen features", "embed differs between training and evaluation mode"),
    ("frozen-yet-moving", "evaluation does not leak into training", "embed in training changes backbone.1"),
    ("frozen-yet-trained", "parameter groups", "frozen, yet its backbone has trainable parameters"),
    ("says-nothing", "it describes itself", "SaysNothing does not say its summary and licence"),
    ("takes-anything", "unknown options are refused", "was taken without a word"),
    ("default-out-of-range", "defaults of its options hold", r"model\.width = 0"),
    ("options-of-objects", "options survive JSON", "widths came back as another value"),
    ("undescribed", "each option is described", "no description: width"),
    ("preset-of-nothing", "presets name real options", r"model\.depth: unknown option"),
    ("preset-of-its-own", "presets name real options", "there is no preset 'tiny'"),
    ("switch-of-nothing", "profiles set real options", r"model\.depth: unknown option"),
    ("switch-of-another", "profiles set real options", r"loss\.weight has another role than model"),
    ("switch-out-of-range", "profiles set real options", r"train\.epochs = 0"),
    ("switch-without-source", "profiles set real options", "does not say what it is about, or its source"),
    ("missing", "it can be imported", "cannot be imported: ModuleNotFoundError"),
    ("no-model", "it can be imported", "is not a subclass of msde_toolkit.interfaces.Model"),
]
LOSSES = [
    ("total-of-its-own", "terms add up to the total", "the terms add up to"),
    ("term-of-each-row", "a step on what it asks for", r"on pairs, rows is no scalar but \[3\]"),
    ("infinite", "a step on what it asks for", "on pairs, total is inf"),
    ("takes-no-samples", "a step on what it asks for", "AttributeError: 'Batch' object has no attribute 'joined'"),
    ("past-the-backbone", "gradient reaches the backbone", "none comes to backbone.0.weight"),
    ("cross-entropy-of-its-own", "the criterion gets its own rows", "it never calls the run's criterion"),
    ("first-classifier-only", "every classifier of the model is trained", "comes to the model's second classifier"),
    ("weights-of-one-half", "the criterion gets its own rows", "called with 12 rows and the weights of 6 samples"),
    ("calls-the-model", "the model is called by forward alone", "it calls the model itself"),
    ("paints-on-the-batch", "the model is called by forward alone", "it changes the batch's images in place"),
    ("draws-from-torch", "same seed, same loss", "one seed of the run gives"),
    ("climbs", "steps lower the total", "20 steps take it from"),
    ("dead-term", "each term falls when it alone is minimised", "distance has no gradient"),
    ("asks-no-teacher", "the teacher stays as it is", "the teacher is never asked"),
    ("idle-head", "its own head is trained", "no gradient comes to weight, bias"),
    ("notes-of-numbers", "notes are lines of text", r"notes returns \[0\.5\]"),
]
REST = [
    ("another-table-each-time", "the table is the same every time", "loaded again, the table is another"),
    ("float-images", "images are uint8 RGB", "s0: the image is float64"),
    ("carries-its-generator", "pixels do not depend on the order", "read backwards, a row has other pixels"),
    ("regions-of-another-size", "mask regions fit the images", r"the region is \[10, 12\], the image \[12, 10\]"),
    ("classes-in-another-order", "classes and labels", "in the order neutral, angry"),
    ("not-said-to-be-synthetic", "load gives a manifest", "differ in whether it is synthetic"),
    ("of-no-licence", "load gives a manifest", "does not say the licence"),
    ("new-fingerprint-each-time", "the fingerprint", "another fingerprint the second time"),
    ("root-not-asked-for", "a missing root is said to be", "load with a root that does not exist goes through"),
    ("draws-in-place", "what it is given stays as it is", "it draws into the image it was given"),
    ("shadow-outside", "where alpha is 0 the image is unchanged", "on 96 x 96 px, 96 pixels changed"),
    ("global-shade", "randomness comes from rng alone", "one rng gives two masks"),
    ("bool-alpha", "image and alpha", r"alpha is bool \[96, 96\]"),
    ("draws-nothing", "image and alpha", "it draws nothing"),
    ("breaks-at-the-border", "faces at the border", "IndexError: "),
    ("summary-of-objects", "the summary is ready for JSON", "TypeError: .* not JSON serializable"),
    ("tables-of-lists", "tables are data frames", "counts is a list"),
    ("without-labels", "axes are labelled", "counts: no y axis has a label"),
    ("hides-that-it-is-synthetic", "it says that faces are synthetic", "nothing in counts says it"),
    ("draws-anew", "the same run gives the same result", "other the second time: counts"),
    ("writes-into-the-run", "its files are written and the run is left alone", "it changes the run's folder"),
    ("leaves-figures-open", "its files are written and the run is left alone", "leaves figures open in pyplot"),
    ("trusts-in-pairs", "a run of one condition", "IndexError: "),
    ("hears-nothing", "its hooks are the toolkit's", "it implements no hook"),
    ("hears-what-nobody-says", "its hooks are the toolkit's", "nobody calls msde_batch_ended"),
    ("wants-arguments", "it can be made", "TypeError: .*missing 1 required positional argument"),
    ("trusts-in-the-total", "it hears a run without raising", "KeyError: 'total'"),
]
LANDMARKERS = [
    ("single", "what it says of a face", "find returns Face, not a list"),
    ("five-points", "what it says of a face", r"landmarks are float64 \[5, 2\], not float64 \[68, 2\]"),
    ("eyes-of-the-person", "what it says of a face", "the eye on the left of the picture does not come first"),
    ("in-fractions", "what it says of a face", "in a photo of 128 x 128 px"),
    ("surest-last", "what it says of a face", "the surest face does not come first"),
    ("ignores-the-box", "a box says which face is meant", "the eyes of the box .* are at"),
    ("all-in-the-box", "a box says which face is meant", "2 faces for one box"),
    ("wavers", "the same photo has the same faces", "asked a second time it finds others"),
    ("follows", "the same photo has the same faces", "finds others"),
    ("whitens", "what it is given stays as it is", "it changes the photo it was given"),
    ("gives-the-hint-itself", "what it is given stays as it is", "the landmarks it was given, not a copy"),
    ("needs-some-pixels", "tiny photos and photos of nobody", "IndexError: "),
    ("carries-its-model", "a copy in another process finds the same", "[Pp]ickle"),
    ("tells-by-the-light", "it tells people apart", "a darker copy is"),
    ("promises-to-tell-apart", "it tells people apart", "NotImplementedError: .* does not tell people apart"),
]
BROKEN = [
    (f"{module}-{name}", question, reason)
    for module, cases in (("models", MODELS), ("losses", LOSSES), ("landmarkers", LANDMARKERS), ("rest", REST))
    for name, question, reason in cases
]


KINDS = {"models": "model", "losses": "loss", "landmarkers": "landmarker"}
"""Said, so that the kit need not look for the name in every kind."""


@pytest.mark.parametrize(("name", "question", "reason"), BROKEN, ids=[case[0] for case in BROKEN])
def test_each_is_caught(broken, name, question, reason):
    failed = {finding.check: finding for finding in check(name, KINDS.get(name.partition("-")[0])).failures}
    assert question in failed, failed
    assert re.search(reason, failed[question].reason), failed[question].reason
    assert failed[question].remedy


@pytest.mark.parametrize(
    "name",
    [
        "models-frozen",
        "losses-sound",
        "losses-head-of-its-own",
        "landmarkers-sound",
        "landmarkers-tells-apart",
        "rest-sound-set",
        "rest-sound-mask",
        "rest-sound-look",
        "rest-needs-pairs",
        "rest-hears",
    ],
)
def test_what_they_are_derived_from_is_sound(broken, name):
    check(name).raise_for_failures()


def test_each_broken_plugin_breaks_only_what_it_is_about(broken):
    """So that a check is not held by another one's failure: a sample of plugins with a single fault."""
    for name in (
        "models-left-over",
        "models-seeds-itself",
        "losses-idle-head",
        "landmarkers-surest-last",
        "rest-new-fingerprint-each-time",
    ):
        assert len(check(name).failures) == 1, name


def test_a_landmarker_that_lacks_its_model_is_not_asked_to_find_faces(broken):
    report = check("landmarkers-lacks-its-model")
    report.raise_for_failures()
    last = report.findings[-1]
    assert (last.check, last.state) == ("what it needs is there", "skipped")
    assert last.reason == "faces.model = model.onnx: no such file. Get it at the zoo."
