"""For all tests: one thread a worker (two workers share two cores), and a cache of their own."""

import os

# Before torch is imported; inherited by every process that a test starts.
os.environ["OMP_NUM_THREADS"] = "1"


def pytest_configure(config):
    """A cache of decoded images that no test shares with the user's; and processes that can be stopped by Ctrl-C.

    A suite that a shell started in the background ignores that signal, and whatever it starts would ignore it too.
    """
    import signal
    import tempfile

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("MSDE_CACHE", tempfile.mkdtemp(prefix="msde-test-cache-"))


def pytest_unconfigure(config):
    """Remove the cache where this process made it."""
    import shutil

    folder = os.environ.get("MSDE_CACHE", "")
    if "msde-test-cache-" in folder and not hasattr(config, "workerinput"):
        shutil.rmtree(folder, ignore_errors=True)
