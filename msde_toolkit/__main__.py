"""``python -m msde_toolkit`` is ``msde``."""

from msde_toolkit.cli.app import main

main()
