"""The same jobs by other tools' own code, by hand-written scripts and by vlkit."""
