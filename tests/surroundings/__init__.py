"""Ordinary but hostile surroundings, each as a user would meet it."""
