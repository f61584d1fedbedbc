"""What a session shows while it runs: pure rendering, fed with the events of the journals.

:class:`~hil.terminal.board.Board` knows what happens, a view puts it into lines: ``live`` repaints
a terminal, ``log`` writes lines for a file or a CI job, ``json_lines`` objects for a program.
"""
