"""The admin pages, over a small factory in some disorder."""
