"""Why two harnesses differ on the same items: each item's difference with its cause, by what their files tell and their code does."""
