"""One mechanism for every task table: claim, lease, retry, dead letter."""
