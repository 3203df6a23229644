"""Dagster, and nothing else: assets, partitions, resources, sensors and jobs over ``core``."""
