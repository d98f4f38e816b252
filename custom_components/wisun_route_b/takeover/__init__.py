"""Migration from Home Assistant's own integration for Route B: its settings, statistics and dashboard."""
