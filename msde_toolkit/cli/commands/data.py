"""``msde data purge``."""

from __future__ import annotations

from msde_toolkit.cli.console import Json

EXAMPLE_PURGE = "Example: msde data purge"


def purge(json: Json = False) -> None:
    """Empty the cache: decoded images, features and teachers. Downloaded weights and the ledger stay."""
    from msde_toolkit.cli.console import out, print_json
    from msde_toolkit.data.image_cache import purge as empty
    from msde_toolkit.files import cache_directory

    files, size = empty()
    if json:
        print_json({"files": files, "bytes": size, "directory": str(cache_directory())})
        return
    out().print(f"Removed {files} files, {size / 1e6:.1f} MB.")
