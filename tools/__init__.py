"""Programs around the product: the emulator, the command line, the demo and the benchmark."""
