"""``msde doctor``."""

from __future__ import annotations

from typing import Any

from msde_toolkit.cli.console import Json

EXAMPLE = "Example: msde doctor"


def doctor(json: Json = False) -> None:
    """Say what this machine offers: device, precision, versions, cache, plugins; and what to mend."""
    from msde_toolkit.cli.console import labelled, out, plain_table, print_json

    facts, problems = _examine()
    if json:
        print_json({**facts, "problems": problems})
        return
    table = plain_table("msde doctor", "What", "Found")
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), str(value))
    console = out()
    console.print(table)
    for problem in problems:
        console.print(labelled("To mend:", problem, "yellow"), soft_wrap=True)
    if not problems:
        console.print("Nothing to mend.")


def _examine() -> tuple[dict[str, Any], list[str]]:
    import os
    import platform
    import shutil
    from importlib.metadata import version

    import torch

    import msde_toolkit
    from msde_toolkit.engine.device import choose_device, choose_precision, describe, unused_gpu
    from msde_toolkit.files import cache_directory

    device = choose_device("auto")
    precision = choose_precision("auto", device)
    cache = cache_directory()
    cached = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    broken, plugins = _plugins()
    free = shutil.disk_usage(cache).free / 1e9
    facts = {
        "msde_toolkit": msde_toolkit.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        "device": describe(device),
        "precision": f"{precision.precision} ({precision.reason})",
        "cores": os.cpu_count(),
        "cache": str(cache),
        "cache_megabytes": round(cached / 1e6, 1),
        "free_gigabytes": round(free, 1),
        "plugins": plugins,
    }
    problems = list(broken)
    if hint := unused_gpu():
        problems.append(f"No GPU is used: {hint}.")
    if free < 2:
        problems.append(f"Less than 2 GB free at {cache}; set MSDE_CACHE or run 'msde data purge'.")
    return facts, problems


def _plugins() -> tuple[list[str], int]:
    from msde_toolkit.registry import KINDS, Registry, why_broken

    reasons = [why_broken(info) for kind in KINDS for info in Registry(kind).plugins()]
    return [reason for reason in reasons if reason], len(reasons)
