"""Schema drift: how the shape of a supplier's documents changes."""
