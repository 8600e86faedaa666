"""Kernels in C: loops over the characters, lines and elements of a page that Python and numpy are too slow for.

The C sources stand beside this file. Building or installing the package compiles them (`build.py`), with a compiler
that comes as a package: nobody needs one of their own. The library knows nothing of Python, so one serves every
version.
"""
