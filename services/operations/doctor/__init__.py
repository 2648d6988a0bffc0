"""`python main.py doctor`: everything that a server needs, looked at one by one, with what to do."""
