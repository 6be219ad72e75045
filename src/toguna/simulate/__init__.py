"""Other companies, as far as the town speaks with them."""
