"""What the user wrote: the types of model.toml, loading, and finding a key's line. pydantic lives only here."""

SPEC_NAME = "model.toml"
