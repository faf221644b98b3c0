"""Twilio: its webhooks in our words, our scripts as TwiML, our actions over its REST API."""
