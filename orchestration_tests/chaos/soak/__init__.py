"""The soak: a mixed load with faults for a long time, and what it does to throughput, latency and memory."""
