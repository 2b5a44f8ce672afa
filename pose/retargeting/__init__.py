"""A source's track is fitted to the target's body and place."""
