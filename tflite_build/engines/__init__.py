"""Who converts: code that runs in child processes, under a toolchain's own Python.

Standard library and its own converter only.
"""
