"""electra_bench: a benchmarking harness for ELECTRA-family text encoders."""
