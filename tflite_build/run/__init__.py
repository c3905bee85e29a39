"""Doing it: engine processes, single actions, the scheduler, and the driver that plans again."""
