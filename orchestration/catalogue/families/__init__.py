"""Importing families: download, decode, store, quarantine, and their images."""
