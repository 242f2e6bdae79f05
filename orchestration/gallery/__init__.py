"""The public gallery: a mirror of what users made public, its images, and the signup page's set."""
