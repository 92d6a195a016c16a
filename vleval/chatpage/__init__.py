"""A local page to show a model a picture and ask it."""
