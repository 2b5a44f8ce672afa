"""What turns a network's raw output into joints or boxes."""
