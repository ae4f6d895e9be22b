"""A cluster: what Kubernetes and the service do together, as its clients see it."""
