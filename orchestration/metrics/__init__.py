"""What monitoring sees: metrics of the factory in the format of Prometheus."""
