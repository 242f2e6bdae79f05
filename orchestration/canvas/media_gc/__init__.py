"""Canvas media, and the collection of those that nothing refers to."""
