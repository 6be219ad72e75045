"""Receipts: what the payer takes along, on paper, on a roll, on a screen; and how anyone checks it."""
