"""The measurements, one kind a file."""
