"""Class 0x0288, the low-voltage smart electric energy meter. No I/O, no clock."""
