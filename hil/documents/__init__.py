"""Our YAML files, read strictly: every mistake at once, with file, line and the nearest right word.

A file becomes a :class:`~hil.documents.document.Document`, that becomes a model made of closed
sections (:mod:`hil.documents.section`), and :mod:`hil.documents.loader` says what did not fit.
"""
