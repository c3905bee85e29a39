"""What apps call: a language-neutral view of a model, then names and types of a language, then templates."""
