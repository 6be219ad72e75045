"""Money that comes by telephone or by bank: one port, an adapter for each provider, and what became of each request."""
