"""The command line: a table of names; a command's module is imported when it is chosen."""
