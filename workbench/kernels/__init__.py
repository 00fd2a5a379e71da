"""Compiled inner loops (numba, extra "sweeps"): arrays in, counts out. Nothing else may be imported here.

Each has a slow twin in NumPy that it is held equal to; callers import a kernel where they use it.
"""
