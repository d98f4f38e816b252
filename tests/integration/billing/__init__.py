"""The electricity tariff in Home Assistant."""
