"""The bank: its statements read, and each line of them matched with our book."""
