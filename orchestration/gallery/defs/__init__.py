"""The gallery in Dagster: assets, checks, jobs, sensors, schedules.

Belongs here: reading a context, calling one function of the domain, reporting. Does not: anything else.
"""
