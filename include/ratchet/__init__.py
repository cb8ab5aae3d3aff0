"""Keep machine-learning models fresh, and replace one only on proof."""

from pkgutil import extend_path

# A stored model brings the part of Ratchet that loads it: where MLflow imports that first, the rest is still found.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
