"""A file that cannot be imported at all."""


class ImportRefused(Exception):
    """Nothing was changed; str() says why and what to do, in the reader's language."""
