"""The bed for generated Swift."""

from swift_fixtures import runtimes, swift

__all__ = ["runtimes", "swift"]
