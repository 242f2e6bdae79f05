"""Render jobs: the records, the service over them, and what becomes of old ones."""
