"""`python -m vldata`: the same as the command."""

from vldata.start import vldata

if __name__ == "__main__":
    vldata()
