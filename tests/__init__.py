"""The tests, one folder a tier; README.md has the rules of each."""
