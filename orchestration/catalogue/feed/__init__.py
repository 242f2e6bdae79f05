"""The feed: reading it, comparing it with what is stored, planning what to do."""
