"""What runs beside a mesh: the gate of a canary. The manifests of the mesh are here as well."""
