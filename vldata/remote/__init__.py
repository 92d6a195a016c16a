"""Datasets in object stores: what a command reads is fetched by its digest, what it writes is sent when it is whole."""
