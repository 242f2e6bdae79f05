"""Notices to the outside, each sent once, after the work is committed: an outbox over the work queue."""
