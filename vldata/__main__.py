"""`python -m vldata`: the same as the command."""

from vldata.cli import main

if __name__ == "__main__":
    main()
