"""The optimizer Lion and a cosine schedule."""
