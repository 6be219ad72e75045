"""How a command ends early."""


class Stop(Exception):
    """A command ends here, with a sentence for whoever typed it."""
