"""Makes a service of one's own out of this repository: the same tree under another name.

    uv run python -m tests.fork ../orders --name orders

`naming` says what a service may be called, `renaming` puts the new name in the place of the old
one, `documents` gives the copy a README of its own, `reduction` leaves one example of what a
service is for, `checkout` reads one repository and begins another, and `tidying` has the copy
formatted and looks for what is left of the old name. `owner` is who tries the result, for tests.
"""
