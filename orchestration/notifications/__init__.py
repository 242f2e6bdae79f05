"""What the outside is told, once, after the work is committed: an outbox over the work queue."""
