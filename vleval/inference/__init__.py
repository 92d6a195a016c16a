"""Asking a model: records in, one answer or one error a record out, nothing asked twice and nothing lost."""
