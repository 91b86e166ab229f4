"""What is built on Hexkey from outside: each folder imports the installed packages, and nothing else from here."""
