"""What TFLite Support reads of the files that stdin names: the metadata as its JSON, the parser that it needs, files."""

import json
import sys

from tensorflow_lite_support.metadata.cc.python import _pywrap_metadata_version
from tensorflow_lite_support.metadata.python import metadata

found = []
for file in json.load(sys.stdin):
    shown = metadata.MetadataDisplayer.with_model_file(file)
    buffer = shown.get_metadata_buffer()
    version = _pywrap_metadata_version.GetMinimumMetadataParserVersion(bytes(buffer))
    names = shown.get_packed_associated_file_list()
    packed = {name: shown.get_associated_file_buffer(name).decode("latin1") for name in names}
    found.append({"said": json.loads(shown.get_metadata_json()), "version": version, "packed": packed, "order": names})
json.dump(found, sys.stdout)
