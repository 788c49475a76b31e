"""The errors a user is meant to read: what came, what was expected, what to do."""


class BenchError(Exception):
    """A sentence for the user; the command line prints it without a traceback."""


class BadName(BenchError):
    """A method, data set, protocol, metric or setting that does not exist."""


class Stale(BenchError):
    """Weights that were trained under other conditions; what is there stays good."""


class BadImage(BenchError):
    """A file that cannot be used as a face."""


class BadData(BenchError):
    """A data set that is absent, incomplete or of the wrong shape."""


def sentence(error: BaseException) -> str:
    """Return what to tell the user of an error; one of ours is a sentence already.

    >>> sentence(BadData("no faces")), sentence(KeyError("x"))
    ('no faces', "KeyError: 'x'")
    """
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename} cannot be used: {error.strerror.lower()}"
    return str(error) if isinstance(error, BenchError) else f"{type(error).__name__}: {error}"
