"""Running a .tflite file, and how far it is from what it should be."""
