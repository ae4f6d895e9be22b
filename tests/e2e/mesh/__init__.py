"""What is left to the mesh, on a real one: who gets how much, who may, what is tried again."""
