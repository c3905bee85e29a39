"""The beds of all languages."""

from kotlin_fixtures import kotlin, standins
from swift_fixtures import runtimes, swift

__all__ = ["kotlin", "runtimes", "standins", "swift"]
