"""The JSON documents that come in and go out: one pydantic model for each, from which its JSON Schema is printed."""
