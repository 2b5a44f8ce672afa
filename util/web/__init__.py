"""Pages, and the charts on them."""
