"""For all tests: one thread a worker (two workers share two cores), and a cache of their own."""

import os

# Before torch is imported; inherited by every process that a test starts.
os.environ["OMP_NUM_THREADS"] = "1"


def pytest_configure(config):
    """A cache of decoded images that no test shares with the user's."""
    import tempfile

    os.environ.setdefault("MSDE_CACHE", tempfile.mkdtemp(prefix="msde-test-cache-"))


def pytest_unconfigure(config):
    """Remove the cache where this process made it."""
    import shutil

    folder = os.environ.get("MSDE_CACHE", "")
    if "msde-test-cache-" in folder and not hasattr(config, "workerinput"):
        shutil.rmtree(folder, ignore_errors=True)
