"""Cash desks: opened with a float, counted, closed, handed over."""
