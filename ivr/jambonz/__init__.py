"""jambonz: its webhooks in our words, our scripts as verbs, our actions over its REST API."""
