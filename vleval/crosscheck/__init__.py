"""Whether several backends get the same input: prompt, tokens, images, sampler."""
