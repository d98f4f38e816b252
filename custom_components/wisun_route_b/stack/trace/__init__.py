"""The redacted trace of the serial conversation."""
