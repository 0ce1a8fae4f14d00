"""The gin roots, one a file: what `electra-bench` verbs run.

Only here is anything `@gin.configurable`; everything below is registered and configured by
what these roots pass on.
"""
