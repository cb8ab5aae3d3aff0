"""Trainers, the encoding of features, and how models are stored."""
