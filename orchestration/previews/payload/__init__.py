"""The payload of a preview job: its schema, its faults by path, its types, and merge fields."""
