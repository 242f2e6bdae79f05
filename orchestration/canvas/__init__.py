"""Canvas projects: operations, snapshots, and the media that they use."""
