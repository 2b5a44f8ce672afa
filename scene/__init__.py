"""All that is not the person: background, camera motion, and the matte between them."""
