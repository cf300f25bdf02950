"""TensorBoard: its event files, read into runs and written from them."""
