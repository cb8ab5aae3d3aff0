"""Operators: one step, one operator. To add one, see docs/add_an_operator.md."""
