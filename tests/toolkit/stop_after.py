"""A listener that stops a run as a user would."""

from msde_toolkit.interfaces import hookimpl


class StopAfter:
    """Presses Ctrl-C when so many epochs are over."""

    def __init__(self, epochs):
        self.left = epochs

    @hookimpl
    def msde_epoch_ended(self, event):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
