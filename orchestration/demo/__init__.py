"""A sample supplier feed with its next day: everything that a first look shows."""
