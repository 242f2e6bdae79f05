"""The public gallery: a mirror of what users made public, its pictures, and the signup page's set."""
