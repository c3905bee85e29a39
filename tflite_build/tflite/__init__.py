"""The .tflite format: reading, operators and their runtimes, editing. Standard library only."""
