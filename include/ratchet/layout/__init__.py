"""A loop laid out from a sample of its data: what is seen of it, and the files that are written. `ratchet new` asks."""
