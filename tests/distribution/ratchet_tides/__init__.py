"""Extensions of Ratchet, of an installed distribution."""
