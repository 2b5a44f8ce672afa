"""A dataset's report: what was found in the video, and what to expect of it."""
