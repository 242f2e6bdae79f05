"""Smaller and lighter forms of the images that public generations show."""
