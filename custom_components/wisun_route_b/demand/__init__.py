"""Demand: the average power of a half-hour, which some contracts are billed by."""
