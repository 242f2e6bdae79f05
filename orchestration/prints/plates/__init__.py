"""Print plates: finished products of equal filaments side by side on the printer's bed, one file a plate."""
