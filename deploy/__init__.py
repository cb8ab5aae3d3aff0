"""How an installation runs."""
