"""Finding shuffled tokens, a pre-training objective of electra-bench."""
