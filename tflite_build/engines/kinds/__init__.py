"""What arguments and results are made of, as the spec says it: data alone, with what the tensors have to be for it.

A file for each kind that is more than one tensor's values. Standard library only: the tool and every engine read it.
"""
