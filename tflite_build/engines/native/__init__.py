"""TensorFlow's compiled parts, and the messages that they take and give."""
