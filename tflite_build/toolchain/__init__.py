"""Pinned environments: what they hold, making them ready, and the user's packages over them."""
