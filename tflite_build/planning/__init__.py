"""What a spec means: decisions, actions as pure data, the graph of steps, and the lock."""
