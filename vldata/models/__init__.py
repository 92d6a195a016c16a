"""What training and evaluation both need of a model; torch and transformers are imported where they are used."""
