"""`python -m stratos`."""

from stratos.cli.main import main

main()
