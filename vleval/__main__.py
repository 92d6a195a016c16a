"""`python -m vleval`: the same as the command."""

from vleval.start import vleval

if __name__ == "__main__":
    vleval()
