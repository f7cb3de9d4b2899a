"""`python -m senderauth`"""

from senderauth.cli import main

main()
