"""What tells a user's mistake from a bug."""


class UserError(Exception):
    """A wrong name, file or number: the message says which, what was expected and what to do.

    Every error class of the package that a user can cause inherits from it, beside ValueError or the like; the
    command line prints it as one line.
    """
