"""Sources, partitions, tables and features."""
