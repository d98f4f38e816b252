"""The link to a meter over a dongle: everything that does I/O or knows a clock."""
