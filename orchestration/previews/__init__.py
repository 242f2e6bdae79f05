"""Preview jobs: from a described set of steps to a video, a poster and the proof that they are right."""
