"""Relations between the numbers and names of the manifests.

Each is a pure function from the objects of one rendering to what is wrong with them, one sentence
each; `test_relations.py` applies it to every rendering, and to one that breaks it.
"""
