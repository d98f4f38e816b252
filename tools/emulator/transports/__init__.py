"""The ways to reach the dongle: inside the process, by a pseudo-terminal, by TCP."""
