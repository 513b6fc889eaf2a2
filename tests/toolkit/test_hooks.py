"""Listeners hear of a run, cannot change it, and are switched off by themselves when they fail."""

import sys
import warnings

import pytest
from installed import install

from msde_toolkit.cli.console import show_warnings
from msde_toolkit.hooks import Listeners, ListenerWarning
from msde_toolkit.interfaces import hookimpl
from msde_toolkit.types import EpochEnded, FoldStarted, RunFinished

EPOCH = EpochEnded("run", 0, "00", 3, 5, {"ce": 0.5, "total": 0.5}, images_per_second=10.0, seconds=1.0)
FOLD = FoldStarted("run", 0, "00", 20, 10)

LISTENER = """
    from msde_toolkit.interfaces import hookimpl

    heard = []

    class Listener:
        {body}
"""
HEARS = """
        @hookimpl
        def msde_epoch_ended(self, event):
            heard.append(event)
"""


class Hears:
    def __init__(self):
        self.events = []

    @hookimpl
    def msde_epoch_ended(self, event):
        self.events.append(event)

    @hookimpl
    def msde_fold_started(self, event):
        self.events.append(event)


class Raises(Hears):
    @hookimpl
    def msde_epoch_ended(self, event):
        raise RuntimeError("disk full")


class Misspelt(Hears):
    @hookimpl
    def msde_epoch_end(self, event):
        self.events.append(event)


def listener(folder, name, body, **options):
    source = LISTENER.format(body=body.strip())
    entry_points = {"msde.hooks": {name: f"{name}_module:Listener"}}
    install(folder, f"msde-{name}", "1.5", entry_points, **{f"{name}_module": source}, **options)


def heard(name):
    return sys.modules[f"{name}_module"].heard


@pytest.fixture(autouse=True)
def _no_installed_listener_but_ours(site_packages, monkeypatch):
    monkeypatch.setenv("MSDE_PLUGINS", "msde-good,msde-bad")


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    """A test says which warnings it expects; any other fails it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ListenerWarning)
        yield


def test_everybody_hears_what_they_listen_to():
    first, second = Hears(), Hears()
    listeners = Listeners([first, second])
    listeners.tell("msde_fold_started", FOLD)
    listeners.tell("msde_epoch_ended", EPOCH)
    assert first.events == second.events == [FOLD, EPOCH]


@pytest.mark.parametrize("order", [0, 1])
def test_one_that_raises_is_reported_once_by_name_and_switched_off(order):
    good, bad = Hears(), Raises()
    listeners = Listeners([bad, good] if order else [good, bad])
    with pytest.warns(ListenerWarning) as caught:
        listeners.tell("msde_epoch_ended", EPOCH)
    (warning,) = caught
    expected = "Listener Raises raised in msde_epoch_ended and is switched off: RuntimeError: disk full"
    assert str(warning.message) == expected
    listeners.tell("msde_epoch_ended", EPOCH)
    listeners.tell("msde_fold_started", FOLD)
    assert good.events == [EPOCH, EPOCH, FOLD]
    assert bad.events == []


def test_the_command_line_says_it_in_one_line_on_stderr(capsys):
    with warnings.catch_warnings():
        show_warnings()
        listeners = Listeners([Raises()])
        listeners.tell("msde_epoch_ended", EPOCH)
        listeners.tell("msde_epoch_ended", EPOCH)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("Warning: Listener Raises raised in msde_epoch_ended and is switched off")


def test_two_listeners_of_one_class_are_told_apart():
    listeners = Listeners([Raises(), Raises()])
    with pytest.warns(ListenerWarning) as caught:
        listeners.tell("msde_epoch_ended", EPOCH)
    assert {str(warning.message).partition(" raised")[0] for warning in caught} == {
        "Listener Raises",
        "Listener Raises 2",
    }


def test_ctrl_c_is_not_a_listeners_failure():
    class Stops:
        @hookimpl
        def msde_epoch_ended(self, event):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Listeners([Stops()]).tell("msde_epoch_ended", EPOCH)


def test_a_misspelt_hook_switches_off_its_own_listener_and_no_other(site_packages):
    listener(site_packages, "good", HEARS)
    good, bad = Hears(), Misspelt()
    with pytest.warns(ListenerWarning, match=r"^Listener Misspelt is switched off: .*msde_epoch_end") as caught:
        listeners = Listeners([bad, good])
    assert len(caught) == 1
    listeners.tell("msde_epoch_ended", EPOCH)
    assert good.events == heard("good") == [EPOCH]
    assert bad.events == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("@hookimpl\n        def msde_epoch_end(self, event): heard.append(event)", "msde_epoch_end"),
        ("@hookimpl\n        def msde_epoch_ended(self, epoch): heard.append(epoch)", "epoch"),
        ("def __init__(self): raise OSError('no tracker at localhost')", "OSError: no tracker at localhost"),
        ("def __init__(self, address): ...", "address"),
        ("import a_package_nobody_has", "a_package_nobody_has"),
    ],
)
def test_an_installed_listener_that_cannot_start_is_reported_with_its_version(site_packages, body, reason):
    listener(site_packages, "bad", body)
    listener(site_packages, "good", HEARS)
    with pytest.warns(ListenerWarning) as caught:
        listeners = Listeners()
    (warning,) = caught
    message = str(warning.message)
    assert "bad" in message
    assert "msde-bad 1.5" in message
    assert reason in message
    listeners.tell("msde_epoch_ended", EPOCH)
    assert heard("good") == [EPOCH]


def test_an_installed_listener_that_raises_is_named_with_its_distribution(site_packages):
    listener(site_packages, "bad", "@hookimpl\n        def msde_epoch_ended(self, event): 1 / 0")
    listeners = Listeners()
    with pytest.warns(ListenerWarning, match=r"^Listener bad of msde-bad 1\.5 raised in msde_epoch_ended"):
        listeners.tell("msde_epoch_ended", EPOCH)
    listeners.tell("msde_epoch_ended", EPOCH)


def test_an_installed_module_can_be_a_listener(site_packages):
    source = """
        from msde_toolkit.interfaces import hookimpl

        heard = []

        @hookimpl
        def msde_epoch_ended(event):
            heard.append(event)
    """
    install(site_packages, "msde-good", "1.0", {"msde.hooks": {"good": "good_module"}}, good_module=source)
    Listeners().tell("msde_epoch_ended", EPOCH)
    assert heard("good") == [EPOCH]


def test_the_off_switch_leaves_the_callers_own_listeners(site_packages, monkeypatch):
    listener(site_packages, "good", HEARS)
    monkeypatch.setenv("MSDE_PLUGINS", "")
    own = Hears()
    Listeners([own]).tell("msde_epoch_ended", EPOCH)
    assert own.events == [EPOCH]
    assert "good_module" not in sys.modules


def test_strict_plugins_show_the_original_error(site_packages, monkeypatch):
    monkeypatch.setenv("MSDE_STRICT_PLUGINS", "1")
    with pytest.raises(RuntimeError, match="disk full"):
        Listeners([Raises()]).tell("msde_epoch_ended", EPOCH)
    listener(site_packages, "bad", "def __init__(self): raise OSError('no tracker')")
    with pytest.raises(OSError, match="no tracker"):
        Listeners()


def test_a_listener_cannot_change_what_others_hear_or_the_result():
    class Meddles:
        @hookimpl
        def msde_run_finished(self, event):
            event.summary["metrics"]["nm"] = 1.0

        @hookimpl
        def msde_epoch_ended(self, event):
            event.epoch = 100

    class Listens:
        @hookimpl
        def msde_run_finished(self, event):
            seen.append(event.summary["metrics"]["nm"])

    seen, summary = [], {"metrics": {"nm": 0.5}}
    for own in ([Meddles(), Listens()], [Listens(), Meddles()]):
        listeners = Listeners(own)
        listeners.tell("msde_run_finished", RunFinished("run", None, summary))
        with pytest.warns(ListenerWarning, match="FrozenInstanceError"):
            listeners.tell("msde_epoch_ended", EPOCH)
    assert seen == [0.5, 0.5]
    assert summary == {"metrics": {"nm": 0.5}}
