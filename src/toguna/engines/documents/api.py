"""The only door of `documents`."""
