"""The arithmetic of a Japanese electricity tariff. No Home Assistant, no clock, no I/O.

Everything is in kWh and yen, and in the time of Japan, whatever the house's zone is.
"""
