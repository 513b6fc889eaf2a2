"""``check`` finds the plugin that is meant; its report says what a test, a terminal and a program need."""

import json
import os
import random

import numpy as np
import pytest
import torch

from msde_toolkit.cli.app import main
from msde_toolkit.errors import InputError, PluginError
from msde_toolkit.registry import Registry
from msde_toolkit.testing import Finding, NotConforming, Report, check
from msde_toolkit.testing import plugin as asked_of_any
from msde_toolkit.testing.checks import Broken
from msde_toolkit.testing.import_weight import import_weight
from msde_toolkit.testing.model_modes import difference_on
from msde_toolkit.testing.model_under_test import ModelUnderTest
from msde_toolkit.testing.plugin import PluginUnderTest
from msde_toolkit.testing.reference import finished_run


def of_kind(report):
    return report.kind, report.name, report.distribution


def test_a_name_is_found_in_its_kind(broken):
    assert of_kind(check("losses-sound")) == ("loss", "losses-sound", "msde-broken")
    assert of_kind(check("rest-hears@msde-broken", "listener")) == ("listener", "rest-hears@msde-broken", "msde-broken")


def test_a_name_of_two_kinds_must_be_said_to_be_one(broken):
    with pytest.raises(PluginError, match="models-sound is the name of a model and of a loss: say which with --kind"):
        check("models-sound")
    assert check("models-sound", "losses").kind == "loss"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("los-sound",), "No plugin of any kind is named 'los-sound'. Did you mean losses-sound"),
        (("losses-sound", "model"), "Unknown model 'losses-sound'"),
        (("losses-sound", "modle"), "--kind modle: no such kind. Did you mean model"),
        (("nobody", "listener"), "Unknown listener 'nobody'. Installed: .*rest-hears"),
    ],
)
def test_what_cannot_be_found_is_said(broken, words, message):
    with pytest.raises(InputError, match=message):
        check(*words)


def test_only_a_dataset_has_a_root(broken, tmp_path):
    with pytest.raises(InputError, match="losses-sound is no dataset"):
        check("losses-sound", root=tmp_path)
    with pytest.raises(InputError, match="nothing there"):
        check("rest-sound-set", root=tmp_path / "nowhere")


def test_a_report_raises_for_its_failures():
    report = Report("model", "x", "msde-x", "1", "x:X", (Finding("shapes", "failed", "too many", "Make fewer."),))
    with pytest.raises(NotConforming, match=r"The model 'x' fails 1 of 1 checks:\nshapes: too many\n    Make fewer\."):
        report.raise_for_failures()
    assert not report.passed
    assert report.counts() == {"passed": 0, "failed": 1, "skipped": 0}
    Report("model", "x", "msde-x", "1", "x:X", (Finding("CPU and GPU agree", "skipped"),)).raise_for_failures()


def test_files_are_asked_for_where_none_are_given():
    skipped = {finding.check: finding.reason for finding in check("fer2013").findings if finding.state == "skipped"}
    assert skipped["images are uint8 RGB"] == "it needs files: give --root PATH"


def test_the_callers_random_numbers_are_left_alone(broken):
    def state():
        return torch.random.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002

    before, environment = state(), dict(os.environ)
    for name in ("models-frozen", "losses-sound", "rest-sound-mask", "rest-sound-look"):
        check(name)
    assert state() == before
    assert dict(os.environ) == environment


def test_the_reference_run_is_heard_by_no_listener(broken, monkeypatch):
    import broken_rest

    heard = []
    monkeypatch.setattr(
        broken_rest.Hears, "msde_epoch_ended", broken_rest.hookimpl(lambda self, event: heard.append(1))
    )
    finished_run.cache_clear()
    assert (finished_run() / "summary.json").is_file()
    assert heard == []


def test_imports_are_weighed_in_a_fresh_process(broken, tmp_path, monkeypatch):
    from installed import install

    install(
        tmp_path,
        "msde-heavy",
        "1",
        {"msde.models": {name: f"{name}_for_a_test:Model" for name in ("also_heavy", "heavy", "light", "fatal")}},
        also_heavy_for_a_test="import matplotlib.pyplot\nfrom msde_toolkit.interfaces import Model\n",
        heavy_for_a_test="import matplotlib.pyplot\nfrom msde_toolkit.interfaces import Model\n",
        light_for_a_test="print('{}')\nfrom msde_toolkit.interfaces import Model\n",
        fatal_for_a_test="import os\nos._exit(0)\n",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("MSDE_PLUGINS", "msde-heavy")
    heavy, light = (import_weight(Registry("models").info(name)) for name in ("heavy", "light"))
    assert heavy.heavy == ("matplotlib",), "each module is imported on a clean slate, whoever came before it"
    assert light.heavy == ()
    assert 0 <= light.seconds < heavy.seconds
    with pytest.raises(Broken, match="import fatal_for_a_test in a fresh process: the process died"):
        import_weight(Registry("models").info("fatal"))
    monkeypatch.setattr(asked_of_any, "LIMIT_SECONDS", light.seconds / 2)
    (found,) = [finding for finding in check("heavy").failures if finding.check == "import is light"]
    assert "it imports matplotlib" in found.reason


def test_a_device_is_held_against_the_cpu(broken):
    info = Registry("models").info("models-sound")
    model = ModelUnderTest(PluginUnderTest("models-sound", "model", info.entry_point.load(), info, None))
    assert difference_on(torch.device("cpu"), model) == 0


def msde(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main(list(words))
    captured = capsys.readouterr()
    return int(end.value.code or 0), captured.out, captured.err


def test_the_command_shows_failures_with_their_remedy(broken, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    code, out, _ = msde(capsys, "plugin", "check", "losses-idle-head")
    assert code == 1
    assert "its own head is trained: no gradient comes to weight, bias" in out
    assert "step uses it as context.head" in out
    assert msde(capsys, "plugin", "check", "losses-sound")[0] == 0


def test_the_command_gives_one_document(broken, capsys):
    code, out, _ = msde(capsys, "plugin", "check", "models-sound", "--kind", "loss", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["passed"]
    assert document["distribution"] == "msde-broken"
    assert set(document["findings"][0]) == {"check", "state", "reason", "remedy"}
    code, out, err = msde(capsys, "plugin", "check", "rest-hears", "--json")
    assert json.loads(out)["passed"]
    assert "epoch 0 1.5" in err, "what a plugin prints is no part of the document"
    code, out, _ = msde(capsys, "plugin", "check", "models-missing", "--json")
    assert (code, json.loads(out)["counts"]["failed"]) == (1, 1)
    code, out, err = msde(capsys, "plugin", "check", "models-mising")
    assert (code, out) == (2, "")
    assert "Did you mean models-missing" in err
