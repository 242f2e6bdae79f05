"""Preview jobs: taken in once, queued, rendered, remembered."""
