"""Tests of the manifests: overlays rendered, and the numbers in them held against each other."""
