"""A network of namespaces with real and scripted SSH peers in it. See ../README.md."""
