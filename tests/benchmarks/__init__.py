"""Tests of what the benchmarks calculate with."""
