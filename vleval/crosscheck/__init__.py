"""Whether several backends are shown the same: prompt, tokens, pictures, sampler."""
