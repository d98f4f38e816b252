"""The energy history: hourly statistics kept equal to the meter's own half-hourly registers."""
