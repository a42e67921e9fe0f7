"""The benchmarks: each measures a part of the project beside its peer."""
