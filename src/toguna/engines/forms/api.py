"""The only door of `forms`."""
