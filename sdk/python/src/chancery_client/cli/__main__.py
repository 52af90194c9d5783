"""`python -m chancery_client.cli`, where the `chancery` script is not on the path."""

from chancery_client.cli import main

main()
