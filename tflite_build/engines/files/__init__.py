"""Arrays and .tflite files, as all steps read and write them."""
