"""Networks of a run as files for other programs, and painting with those files."""
