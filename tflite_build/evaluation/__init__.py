"""Figures of a .tflite file and what they mean: sizes, memory, work, delegates, runtimes. Standard library and tables."""
