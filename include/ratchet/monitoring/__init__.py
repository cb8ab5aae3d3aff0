"""What the monitor holds a night against.

Distances, calibrated thresholds, the champion's own data, and losses without labels.
"""
