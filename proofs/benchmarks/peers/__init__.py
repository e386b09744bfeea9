"""Side by side: our engines and what a user would pick instead, on one broker, one topic, one PostgreSQL.

Each contender is a script that runs as a process of its own, does the same work as its documentation says, and prints
what it took: one line of JSON (`Took`). Who is compared is in `contenders.py`, how in `run.py`.
"""
