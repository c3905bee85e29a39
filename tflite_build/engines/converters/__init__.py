"""From a lowered source to a float .tflite file."""
