"""The user's own Python: staged, watched, its errors explained."""
