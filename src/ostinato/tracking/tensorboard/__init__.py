"""TensorBoard: import and export of its event files."""
