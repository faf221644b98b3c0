"""A lively hour at a made-up bank: the service as it runs, people on simulated phones, the story told as it happens."""
