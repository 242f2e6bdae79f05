"""Rendering in processes of its own, which are killed when they take too long."""
