"""Keep machine-learning models fresh and never let them get worse."""

__version__ = "0.1.0"
