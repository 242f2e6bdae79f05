"""One document of the feed in, one product family with its variants out. No database."""
