"""What a loop.yaml may say, how it is read, and how its mistakes are told."""
