import sys

from perch.cli import main

if __name__ == "__main__":
    sys.exit(main())
