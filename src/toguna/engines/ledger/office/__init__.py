"""The book as its keepers read it: accounts, journal, bills, payers, what waits for approval, periods, and its export."""
