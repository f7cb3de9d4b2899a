"""`python -m senderauth`"""

from senderauth.cli import main

if __name__ == "__main__":  # not in the worker processes of an audit
    main()
