"""The bed for generated Kotlin."""

from kotlin_fixtures import kotlin, standins

__all__ = ["kotlin", "standins"]
