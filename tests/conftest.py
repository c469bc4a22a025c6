"""Puts this folder on the path of all tests, for tiny.py."""
