"""Pure functions over numbers: no file, clock or network. Production and a replay of history call the same ones."""
