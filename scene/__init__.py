"""The scene around the person: background plate, camera motion, and the matte between them."""
