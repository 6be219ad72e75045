"""The verbs of `forms`."""
