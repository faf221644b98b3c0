"""One file a provider: `stage(request, folder)` puts a site of it on stage."""
