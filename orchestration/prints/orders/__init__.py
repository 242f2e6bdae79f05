"""Print orders: reading files of them, importing rows, listing them."""
