"""Standing orders: a payer lets the town ask their telephone for what falls due, each month on a day, up to a limit."""
