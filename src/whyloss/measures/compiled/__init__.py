"""Compiled one-pass kernels for large inputs, and the threads that run them.

Nothing here is imported before an input is large enough: see ``per_sample.LARGE``. Only
:mod:`~whyloss.measures.compiled.dispatch` is meant for the outside.
"""
