"""The JSON Schemas of model.toml and tflite-build.toml and the reference page, all made from the types."""

from __future__ import annotations

import types as pytypes
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tflite_build.workspace import WORKSPACE_NAME

from . import SPEC_NAME
from .descriptions import descriptions
from .tables import models_in
from .types import ModelSpec
from .variants import QUANTIZE_WORDS
from .workspace import WorkspaceSpec


def json_schema() -> dict[str, Any]:
    """The JSON Schema of model.toml (draft 2020-12), for completion and checks in editors."""
    schema = _described(ModelSpec)
    quantize = schema["$defs"]["Variant"]["properties"]["quantize"]
    quantize.pop("type")
    quantize["anyOf"] = [{"enum": list(QUANTIZE_WORDS)}, {"type": "string", "pattern": r"\.json$"}]
    return _finished(schema, SPEC_NAME)


def workspace_schema() -> dict[str, Any]:
    """The same for tflite-build.toml."""
    return _finished(_described(WorkspaceSpec), WORKSPACE_NAME)


def _described(spec: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of `spec`, with what is said of each key."""
    schema = spec.model_json_schema(by_alias=True)
    for model in {spec, *(model for _, model in _tables(spec))}:
        keys = (schema if model is spec else schema["$defs"][model.__name__])["properties"]
        texts = descriptions(model)
        for name, info in model.model_fields.items():
            key = info.alias or name
            if name in texts:
                keys[key] = dict(sorted({**keys[key], "description": texts[name]}.items()))
    return schema


def _finished(schema: dict[str, Any], title: str) -> dict[str, Any]:
    _tidy(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def _tidy(node: Any) -> None:
    """Drop pydantic's generated titles, which editors would show instead of the descriptions; unwrap line breaks."""
    if isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        if isinstance(node.get("description"), str):
            node["description"] = " ".join(node["description"].split())
        for value in node.values():
            _tidy(value)
    elif isinstance(node, list):
        for value in node:
            _tidy(value)


def reference() -> str:
    """The reference page of both files, in Markdown."""
    lines = [
        "# Reference of model.toml",
        "",
        "Made from the types in `tflite_build/spec/` by `scripts/generate.py`; do not edit. The shared defaults of",
        "[tflite-build.toml](#reference-of-tflite-buildtoml) stand at the end.",
        "",
        "Every key that is not listed here is an error. Paths start from the folder of model.toml.",
        "",
    ]
    lines += _tables_of(ModelSpec)
    lines += [
        f"# Reference of {WORKSPACE_NAME}",
        "",
        "Defaults for every model.toml below, whose own keys go before them ([what a workspace is](workspaces.md)).",
        "",
        *_tables_of(WorkspaceSpec),
    ]
    return "\n".join(lines)


def _tables_of(spec: type[BaseModel]) -> list[str]:
    lines = []
    for title, model in _tables(spec):
        lines += [f"## {title}", "", " ".join((model.__doc__ or "").split()), ""]
        lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
        texts = descriptions(model)
        for name, info in model.model_fields.items():
            key = info.alias or name
            description = " ".join(texts.get(name, "").split()).replace("|", "\\|")
            lines.append(f"| `{key}` | {_type(info)} | {_default(info)} | {description} |")
        lines.append("")
    return lines


def _tables(spec: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield "The file", spec
    for name, info in spec.model_fields.items():
        mapping = _is_mapping(info.annotation)
        for model in models_in(info.annotation):
            word = next((w for w in ("format", "kind") if w in model.model_fields), "")
            tag = model.model_fields.get(word)
            title = f"[{name}.NAME]" if mapping else f"[{name}]"
            if tag is not None:
                title += f' with {word} = "{typing.get_args(tag.annotation)[0]}"'
            yield title, model
            for inner, inner_info in model.model_fields.items():
                for deeper in models_in(inner_info.annotation):
                    if model.__name__ == "SignatureTensors":
                        continue  # the same tables as [input] and [output]
                    suffix = ".NAME" if _is_mapping(inner_info.annotation) else ""
                    yield (
                        f"[{name}{'.NAME' if mapping else ''}.{inner}{suffix}]"
                        + (f" of {model.__name__}" if tag else ""),
                        deeper,
                    )


def _is_mapping(annotation: Any) -> bool:
    return typing.get_origin(annotation) is dict


def _type(info: FieldInfo) -> str:
    return _type_text(info.annotation).replace("|", "\\|")


def _type_text(annotation: Any) -> str:
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type_text(arguments[0])
    if origin is typing.Literal:
        return ", ".join(f'`"{a}"`' if isinstance(a, str) else f"`{a}`" for a in arguments)
    if origin in (typing.Union, pytypes.UnionType):
        return " or ".join(dict.fromkeys(_type_text(a) for a in arguments if a is not type(None)))
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return f"array of {_type_text(arguments[0])}"
        return f"array of {len(arguments)} {_type_text(arguments[0])}s"
    if origin is dict:
        return f"table of {_type_text(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return {"str": "string", "int": "whole number", "float": "number", "bool": "true or false"}.get(
        getattr(annotation, "__name__", ""), str(annotation)
    )


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.default
    if value is PydanticUndefined or value is None or isinstance(value, BaseModel) or value in ((), {}, ""):
        return ""
    return (
        f"`{str(value).lower()}`"
        if isinstance(value, bool)
        else f'`"{value}"`'
        if isinstance(value, str)
        else f"`{value}`"
    )
