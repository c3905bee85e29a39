"""The kinds of arguments and results, a file each."""
