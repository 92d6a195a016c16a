"""`python -m vleval`: the same as the command."""

from vleval.cli import main

if __name__ == "__main__":
    main()
