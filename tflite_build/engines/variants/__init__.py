"""From a float .tflite file to those of the variants: samples, ranges, quantizers."""
