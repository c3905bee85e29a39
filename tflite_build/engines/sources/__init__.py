"""Where models come from: looking into a source, lowering it, and running it for reference."""
