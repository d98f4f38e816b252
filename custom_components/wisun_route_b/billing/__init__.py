"""The electricity tariff in Home Assistant: its dialog, and what the use since the reading costs."""
