"""What of the documentation is made by a program: `python -m docs.generate` writes all of it, figures included.

A test holds every generated page and block against what would be written now.
"""
