"""Measures this stack beside momonga 0.7.0 on the same emulated meter."""
