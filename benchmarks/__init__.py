"""Measurements: what a night costs, and what a gate is worth."""
