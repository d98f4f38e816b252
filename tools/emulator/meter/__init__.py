"""The emulated meter: class 0x0288 behind any dongle."""
