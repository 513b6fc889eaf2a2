"""What ``msde plugin new`` writes: a complete plugin package to start from."""

from msde_toolkit.scaffold.new import NewPlugin, new_plugin

__all__ = ["NewPlugin", "new_plugin"]
