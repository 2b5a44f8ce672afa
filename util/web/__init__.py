"""Web pages and their charts."""
