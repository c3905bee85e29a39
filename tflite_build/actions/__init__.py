"""One file for each kind of step: which action it is, what it reads, and how its result is judged."""
