"""The training loop, its state on disk, validation and pace."""
