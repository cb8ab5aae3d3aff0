"""What `ratchet lint` finds beyond what reading a contract does: it runs SQL, reads suites, or asks a source.

One file a kind of mistake. Each yields errors that name file, line and what to do, and stops at none.
"""
