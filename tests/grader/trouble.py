"""What is no verdict on anybody's work."""


class Trouble(Exception):
    """This computer lacks something, or something of ours is broken."""


class Refused(Exception):
    """A hand-in that cannot be graded; says what to do about it."""
