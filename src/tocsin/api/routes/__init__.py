"""One module for each resource: read the request, call one verb, answer its shape."""
