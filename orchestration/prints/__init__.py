"""Print orders: personalised text in; printable files out."""
