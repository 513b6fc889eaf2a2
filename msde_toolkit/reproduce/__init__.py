"""The paper's tables and figures by one command: what is missing is trained, the rest is read."""

from msde_toolkit.reproduce.ledger import Ledger, Reproduction
from msde_toolkit.reproduce.reproduce import Told, reproduce
from msde_toolkit.reproduce.setup import Setup

__all__ = ["Ledger", "Reproduction", "Setup", "Told", "reproduce"]
