"""From queued render jobs to stored pictures: the handler of a batch, its stages, and the render processes."""
