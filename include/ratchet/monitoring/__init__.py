"""What the monitor holds a night against: distances, calibrated thresholds, the champion's own data, and losses without labels."""
