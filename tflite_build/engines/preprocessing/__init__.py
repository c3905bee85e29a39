"""From pictures and sounds to tensors, as docs/preprocessing.md defines it: exact, alike in every language."""
