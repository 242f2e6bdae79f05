"""Print tasks: the queue, what is due, the handler of a batch, and what it records."""
