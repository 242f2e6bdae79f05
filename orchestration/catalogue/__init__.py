"""Supplier catalogues: feed in; families, variants and mirrored images out."""
