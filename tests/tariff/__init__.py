"""The arithmetic of tariffs, which knows nothing of Home Assistant."""
