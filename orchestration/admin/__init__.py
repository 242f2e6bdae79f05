"""The admin pages: people see how the factory is doing, and act on it. They never import Dagster."""
