"""Every mistake in model.toml and how it is told: one golden per error, all problems of a file at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tflite_build.errors import SpecError
from tflite_build.spec.load import load

HEAD = 'spec = 1\n[model]\nname = "m"\n'
KERAS = HEAD + '[source]\nformat = "keras"\npath = "m.keras"\n'
SAVED = HEAD + '[source]\nformat = "saved_model"\npath = "saved"\n'
JAX = HEAD + '[source]\nformat = "jax"\nentry = "model.py:predict"\n'
INT8 = KERAS + '[calibration]\ndata = "data.npz"\n[variant.int8]\nquantize = "int8"\n'

WRONG = {
    "not_toml": "spec = 1\n[model\n",
    "not_toml_value": "spec = \n",
    "duplicate_key": "spec = 1\nspec = 1\n",
    "duplicate_table": KERAS + "[variant.a]\n[variant.a]\n",
    "empty_file": "",
    "spec_missing": '[model]\nname = "m"\n[source]\nformat = "keras"\npath = "m.keras"\n',
    "spec_newer": "spec = 2\nanything = true\n",
    "spec_is_true": "spec = true\n" + KERAS.split("\n", 1)[1],
    "spec_is_1.0": "spec = 1.0\n" + KERAS.split("\n", 1)[1],
    "spec_not_a_number": 'spec = "1"\n' + KERAS.split("\n", 1)[1],
    "model_missing": 'spec = 1\n[source]\nformat = "keras"\npath = "m.keras"\n',
    "model_name_missing": 'spec = 1\n[model]\n[source]\nformat = "keras"\npath = "m.keras"\n',
    "model_name_with_a_space": 'spec = 1\n[model]\nname = "my model"\n[source]\nformat = "keras"\npath = "m.keras"\n',
    "model_is_no_table": 'spec = 1\nmodel = "m"\n[source]\nformat = "keras"\npath = "m.keras"\n',
    "source_missing": HEAD,
    "source_is_no_table": HEAD.replace("[model]", 'source = "m.keras"\n[model]'),
    "format_missing": HEAD + '[source]\npath = "m.keras"\n',
    "format_unknown": HEAD + '[source]\nformat = "kers"\npath = "m.keras"\n',
    "format_onnx": HEAD + '[source]\nformat = "onnx"\npath = "m.onnx"\n',
    "unknown_table": KERAS + "[metdata]\n",
    "oldest_number": KERAS + "[runtime]\noldest = 2.16\n",
    "oldest_unknown": KERAS + '[runtime]\noldest = "litert 9"\n',
    "oldest_platform": KERAS + '[runtime]\noldest = { android = "tflite 2.17", io = "tflite 2.16" }\n',
    "oldest_not_on_android": KERAS + '[runtime.oldest]\nandroid = "tflite 2.17"\n',
    "oldest_nowhere": KERAS + '[runtime]\noldest = "tflite 2.18"\n',
    "max_error_negative": KERAS + "[checks]\nmax_error = { y = -1 }\n",
    "max_size_form": KERAS + '[checks]\nmax_size = "2 KiB"\n',
    "max_download_without_library": KERAS + '[runtime]\ntarget = "custom"\n[checks]\nmax_download = "2 MB"\n',
    "max_download_of_a_published_runtime": KERAS + '[variant.a]\nchecks.max_download = "2 MB"\n',
    "library_of_a_published_runtime": KERAS + '[runtime]\ntarget = "play-services"\nlibrary = "m.keras"\n',
    "library_missing": KERAS + '[runtime]\ntarget = "custom"\nlibrary = ["m.keras", "b.aar"]\n',
    "library_empty_list": KERAS + '[runtime]\ntarget = "custom"\nlibrary = []\n',
    "library_is_a_number": KERAS + '[runtime]\ntarget = "custom"\nlibrary = 3\n',
    "library_is_a_folder": KERAS + '[runtime]\ntarget = "custom"\nlibrary = "."\n',
    "limit_of_nothing": KERAS + "[variant.a]\nchecks.accuracy.min = 0.5\n",
    "mean_of_three_for_one_channel": KERAS + '[input.x]\nshape = [1, 8, 8, 1]\ncontent = "image"\nmean = [1, 2, 3]\n',
    "mean_of_three_for_grayscale": KERAS
    + '[input.x]\ncontent = "image"\ncolor_space = "grayscale"\nmean = [1, 2, 3]\n',
    "mean_and_std_of_other_lengths": KERAS + '[input.x]\ncontent = "image"\nmean = [1, 2, 3]\nstd = [1, 2]\n',
    "mean_without_content": KERAS + "[input.x]\nmean = 127.5\n",
    "mean_of_a_feature": KERAS + '[input.x]\ncontent = "feature"\nmean = 127.5\n',
    "std_zero": KERAS + '[input.x]\ncontent = "image"\nstd = [1, 0, 1]\n',
    "color_space_of_a_sound": KERAS + '[input.x]\ncontent = "audio"\nsample_rate = 16000\ncolor_space = "rgb"\n',
    "color_space_and_channels": KERAS
    + '[input.x]\nshape = [1, 8, 8, 3]\ncontent = "image"\ncolor_space = "grayscale"\n',
    "sound_without_sample_rate": KERAS + '[input.x]\ncontent = "audio"\n',
    "sample_rate_of_a_picture": KERAS + '[input.x]\ncontent = "image"\nsample_rate = 16000\n',
    "antialias_of_area": KERAS + '[input.x]\ncontent = "image"\nresize = "area"\nantialias = true\n',
    "fill_without_letterbox": KERAS + '[input.x]\ncontent = "image"\nfill = 114\n',
    "fill_beyond": KERAS + '[input.x]\ncontent = "image"\nfit = "letterbox"\nfill = 256\n',
    "resize_unknown": KERAS + '[input.x]\ncontent = "image"\nresize = "bilinar"\n',
    "folder_without_content": KERAS + '[input.x]\n[calibration]\ndata = "saved"\n',
    "folder_missing": KERAS + '[input.x]\ncontent = "image"\n[calibration]\ndata = "photos/"\n',
    "folder_without_labels": KERAS + '[input.x]\ncontent = "image"\n[checks]\naccuracy = { data = "saved" }\n',
    "labels_of_arrays": KERAS + '[checks]\naccuracy = { data = "data.npz", labels = "labels.csv" }\n',
    "metric_and_entry": KERAS + '[checks]\naccuracy = { data = "data.npz", metric = "f1", entry = "model.py:f" }\n',
    "better_of_a_metric": KERAS + '[checks]\naccuracy = { data = "data.npz", metric = "f1", better = "lower" }\n',
    "min_of_an_error": KERAS + '[checks]\naccuracy = { data = "data.npz", metric = "mae", min = 0.5 }\n',
    "max_of_a_share": KERAS + '[checks]\naccuracy = { data = "data.npz" }\n[variant.a]\nchecks.accuracy.max = 0.5\n',
    "share_above_one": KERAS + '[checks]\naccuracy = { data = "data.npz", min = 95 }\n',
    "metric_entry_missing": KERAS + '[checks]\naccuracy = { data = "data.npz", entry = "metric.py:score" }\n',
    "unknown_key_near": KERAS + "[convert]\ntolerence = 0.1\n",
    "unknown_key_far": KERAS + "[convert]\nxyzzy = 0.1\n",
    "key_of_another_format": KERAS + 'tags = ["serve"]\n',
    "keras_path_and_entry": KERAS + 'entry = "model.py:build"\n',
    "keras_nothing": HEAD + '[source]\nformat = "keras"\n',
    "keras_wrong_suffix": HEAD + '[source]\nformat = "keras"\npath = "model.py"\n',
    "keras_weights_without_entry": KERAS + 'weights = "w.weights.h5"\n',
    "keras_entry_form": HEAD + '[source]\nformat = "keras"\nentry = "model.build"\n',
    "keras_file_missing": HEAD + '[source]\nformat = "keras"\npath = "n.keras"\n',
    "keras_is_saved_model": HEAD + '[source]\nformat = "keras"\npath = "saved.keras"\n',
    "saved_model_is_file": HEAD + '[source]\nformat = "saved_model"\npath = "m.keras"\n',
    "saved_model_missing": HEAD + '[source]\nformat = "saved_model"\npath = "savd"\n',
    "jax_both": JAX + '[source.signature.a]\nentry = "model.py:a"\n',
    "jax_nothing": HEAD + '[source]\nformat = "jax"\n',
    "jax_file_missing": HEAD + '[source]\nformat = "jax"\nentry = "modle.py:predict"\n',
    "url_without_hash": HEAD + '[source]\nformat = "tflite"\nurl = "https://example.com/m.tflite"\n',
    "hash_without_url": KERAS + f'sha256 = "{"0" * 64}"\n',
    "hash_too_short": HEAD + '[source]\nformat = "tflite"\nurl = "https://example.com/m.tflite"\nsha256 = "abc"\n',
    "url_scheme": HEAD + f'[source]\nformat = "tflite"\nurl = "file:///etc/passwd"\nsha256 = "{"0" * 64}"\n',
    "engine_unknown": KERAS + '[convert]\nengine = "litrt"\n',
    "engine_litert_for_saved_model": SAVED + '[convert]\nengine = "litert"\n',
    "engine_for_tflite": HEAD + '[source]\nformat = "tflite"\npath = "m.tflite"\n[convert]\nengine = "litert"\n',
    "switches_for_litert": KERAS + '[convert]\nengine = "litert"\ntensorflow = { resource_variables = true }\n',
    "switch_unknown": SAVED + "[convert]\ntensorflow = { resource_variable = true }\n",
    "tolerance_zero": KERAS + "[convert]\ntolerance = 0\n",
    "tolerance_text": KERAS + '[convert]\ntolerance = "small"\n',
    "shape_negative": KERAS + "[input.x]\nshape = [1, -1]\n",
    "shape_bad_name": KERAS + '[input.x]\nshape = [1, "2n"]\n',
    "shape_no_array": KERAS + "[input.x]\nshape = 3\n",
    "dtype_unknown": KERAS + '[input.x]\ndtype = "float"\n',
    "range_backwards": KERAS + "[input.x]\nrange = [1, 0]\n",
    "range_of_one": KERAS + "[input.x]\nrange = [1]\n",
    "sizes_without_dimension": KERAS + '[input.x]\nshape = ["n", 2]\nsizes.m = [1]\n',
    "sizes_empty": KERAS + '[input.x]\nshape = ["n", 2]\nsizes.n = []\n',
    "sizes_contradict": KERAS
    + '[input.x]\nshape = ["n", 2]\nsizes.n = [1]\n[input.y]\nshape = ["n", 3]\nsizes.n = [2]\n',
    "input_and_signature": KERAS + "[input.x]\n[signature.serving_default.input.y]\n",
    "signature_unknown": JAX + "[signature.predct.input.x]\nshape = [1]\n",
    "input_of_several": HEAD
    + '[source]\nformat = "jax"\n[source.signature.a]\nentry = "model.py:a"\n[source.signature.b]\n'
    + 'entry = "model.py:b"\n[input.x]\nshape = [1]\n',
    "from_twice": KERAS + '[input.x]\nfrom = "t"\n[input.y]\nfrom = "t"\n',
    "quantize_unknown": KERAS + '[variant.small]\nquantize = "int-8"\n',
    "quantize_wrong_type": KERAS + "[variant.small]\nquantize = 8\n",
    "int8_without_calibration": KERAS + '[variant.int8]\nquantize = "int8"\n',
    "io_for_float16": KERAS + '[variant.half]\nquantize = "float16"\nio = "int8"\n',
    "io_int16_for_int8": INT8 + 'io = "int16"\n',
    "keep_float_for_float16": KERAS + '[variant.half]\nquantize = "float16"\nkeep_float = ["a"]\n',
    "keep_float_no_pattern": INT8 + 'keep_float = ["dense_(2"]\n',
    "recipe_missing": KERAS + '[variant.own]\nquantize = "recipe.json"\n',
    "variant_reserved": KERAS + "[variant.android]\n",
    "variant_name": KERAS + '[variant."8 bit"]\nquantize = "dynamic-int8"\n',
    "variants_differ_in_case": KERAS + '[variant.Small]\n[variant.b]\n[variant.small]\nquantize = "float16"\n',
    "quantized_twice": KERAS + '[variant.a]\nquantize = "from-source"\n[variant.b]\nquantize = "dynamic-int8"\n',
    "calibration_nothing": KERAS + "[calibration]\nsamples = 3\n",
    "calibration_both": KERAS + '[calibration]\ndata = "data.npz"\nentry = "model.py:samples"\n',
    "calibration_csv": KERAS + '[calibration]\ndata = "data.csv"\n',
    "calibration_missing": KERAS + '[calibration]\ndata = "dta.npz"\n',
    "samples_zero": KERAS + '[calibration]\ndata = "data.npz"\nsamples = 0\n',
    "cosine_over_one": KERAS + "[checks]\nmin_cosine = 2\n",
    "metric_unknown": KERAS + '[checks]\naccuracy = { data = "data.npz", metric = "top-1" }\n',
    "labels_missing": KERAS + '[output.y]\nlabels = "labls.txt"\n',
    "labels_of_a_language_missing": KERAS + '[output.y]\nlabels = { default = "data.npz", de = "de.txt" }\n',
    "labels_are_a_list": KERAS + '[output.y]\nlabels = ["cat", "dog"]\n',
    "labels_of_an_input": KERAS + '[input.x]\nlabels = "labels.txt"\n',
    "files_of_one_name": KERAS + '[output.y]\nlabels = "m.keras"\n[metadata]\nfiles = [{ file = "saved/m.keras" }]\n',
    "file_without_name": KERAS + '[metadata]\nfiles = [{ file = "saved/.." }]\n',
    "custom_missing": KERAS + '[metadata.custom]\nown = "own.bin"\n',
    "stats_backwards": KERAS + "[input.x]\nstats = { min = [1], max = [0] }\n",
    "stats_of_other_lengths": KERAS + "[input.x]\nstats = { min = [1, 2], max = [3] }\n",
    "box_of_scores": KERAS + '[output.y]\ncontent = "scores"\nbox.type = "center"\n',
    "box_index_twice": KERAS + '[output.y]\ncontent = "boxes"\nbox.index = [0, 1, 2, 2]\n',
    "box_type_unknown": KERAS + '[output.y]\ncontent = "boxes"\nbox.type = "centre"\n',
    "content_range_backwards": KERAS + "[output.y]\ncontent_range = [2, 1]\n",
    "tokenizer_without_vocab": KERAS + '[input.x]\ntokenizer = { type = "bert" }\n',
    "tokenizer_with_a_pattern": KERAS + '[input.x]\ntokenizer = { type = "bert", vocab = "data.npz", pattern = "a" }\n',
    "tokenizer_unknown": KERAS + '[input.x]\ntokenizer = { type = "wordpiece", vocab = "data.npz" }\n',
    "unit_without_std": KERAS + '[input.x]\nprocess_units = [{ type = "normalization", mean = 1 }]\n',
    "unit_std_zero": KERAS + '[input.x]\nprocess_units = [{ type = "normalization", mean = 1, std = 0 }]\n',
    "unit_lengths": KERAS + '[input.x]\nprocess_units = [{ type = "normalization", mean = [1, 2], std = [1] }]\n',
    "channels_of_a_picture": KERAS + '[input.x]\ncontent = "image"\nchannels = 2\n',
    "default_size_of_a_sound": KERAS + '[input.x]\ncontent = "audio"\nsample_rate = 1\ndefault_size = [1, 1]\n',
    "label_offset_of_scores": KERAS + '[output.y]\ncontent = "scores"\nlabel_offset = -1\n',
    "several_without_content": KERAS + "[output.y]\nmulti_label = true\n",
    "normalize_of_classes": KERAS + '[output.y]\ncontent = "classes"\nnormalize = "l2"\n',
    "normalize_unknown": KERAS + '[result.y]\nkind = "embedding"\nembedding = "y"\nnormalize = "l1"\n',
    "calibration_file_missing": KERAS
    + '[result.y]\nkind = "classes"\nscores = "y"\nscore_calibration.file = "none.csv"\n',
    "color_space_of_classes": KERAS + '[output.y]\ncontent = "classes"\ncolor_space = "rgb"\n',
    "version_is_a_number": 'spec = 1\n[model]\nname = "m"\nversion = 1.0\n[source]\nformat = "keras"\npath = "m.keras"\n',
    "metadata_is_false": "metadata = false\n" + KERAS,
    "file_type_unknown": KERAS + '[metadata]\nfiles = [{ file = "data.npz", type = "labels" }]\n',
    "memory_form": KERAS + '[limits]\nmemory = "lots"\n',
    "timeout_zero": KERAS + "[limits]\ntimeout = 0\n",
    "memory_huge": KERAS + '[limits]\nmemory = "99999999999999 GB"\n',
    "timeout_huge": KERAS + f"[limits]\ntimeout = {'9' * 400}\n",
    "number_too_long_for_python": KERAS + f"[limits]\ntimeout = {'9' * 5000}\n",
    "spec_huge": KERAS.replace("spec = 1", "spec = 0x" + "f" * 5000),
    "tolerance_huge": KERAS + f"[convert]\ntolerance = {'9' * 400}\n",
    "range_huge": KERAS + f"[input.x]\nrange = [0, {'9' * 400}]\n",
    "shape_huge": KERAS + f"[input.x]\nshape = [0x{'f' * 5000}]\n",
    "packages_string": KERAS + '[toolchain]\npackages = "einops"\n',
    "path_is_a_pipe": HEAD + '[source]\nformat = "tflite"\npath = "pipe"\n',
    "path_is_absolute_and_missing": HEAD + '[source]\nformat = "tflite"\npath = "/no/such/model.tflite"\n',
    "path_is_absolute_and_there": HEAD + '[source]\nformat = "saved_model"\npath = "/tmp"\n',
    "path_in_the_home": KERAS + '[checks]\naccuracy = { data = "~/data.npz" }\n',
    "path_that_no_file_can_have": HEAD + '[source]\nformat = "tflite"\npath = "a\\u0000b/c"\n',
    "path_too_long": HEAD + f'[source]\nformat = "tflite"\npath = "{"n" * 300}"\n',
    "path_empty": HEAD + '[source]\nformat = "tflite"\npath = ""\n',
    "member_leads_out": HEAD
    + f'[source]\nformat = "tflite"\nurl = "https://example.com/m.zip"\nsha256 = "{"0" * 64}"\npath = "../m.tflite"\n',
    "member_is_absolute": HEAD
    + f'[source]\nformat = "tflite"\nurl = "https://example.com/m.zip"\nsha256 = "{"0" * 64}"\npath = "/m.tflite"\n',
    "imports_lead_out": KERAS + 'imports = ["../layers.py"]\n',
    "entry_is_absolute": HEAD + '[source]\nformat = "jax"\nentry = "/tmp/model.py:predict"\n',
    "imports_is_a_folder": KERAS + 'imports = ["saved"]\n',
    "data_is_a_folder": KERAS + '[checks]\naccuracy = { data = "saved" }\n',
    "engine_tensorflow_for_jax": JAX + '[convert]\nengine = "tensorflow"\n',
    "same_file_missing_twice": KERAS.replace("m.keras", "a.keras") + '[checks]\naccuracy = { data = "b.npz" }\n',
    "date_for_a_string": HEAD.replace('"m"', "1979-05-27") + '[source]\nformat = "keras"\npath = "m.keras"\n',
    "not_a_number_tolerance": KERAS + "[convert]\ntolerance = nan\n",
    "everything_at_once": 'spec = 1\n[model]\nname = 3\nnam = "x"\n[source]\nformat = "keras"\npath = "m.keras"\n'
    + '[variant.int8]\nquantize = "int9"\nio = "int9"\n[checks]\nmin_cosine = 3\n',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("m.keras", "m.tflite", "model.py", "data.npz"):
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "pipe")
    for name in ("saved", "saved.keras"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    return tmp_path


@pytest.mark.parametrize("name", WRONG)
def test_error(name: str, folder: Path, snapshot: SnapshotAssertion) -> None:
    file = folder / "model.toml"
    file.write_text(WRONG[name], "utf-8")
    with pytest.raises(SpecError) as caught:
        load(file)
    assert caught.value.code == 2
    assert caught.value.render(folder) == snapshot(name=name)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot read"):
        load(tmp_path / "model.toml")


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_bytes(b'spec = 1\n[model]\nname = "\xff"\n')
    with pytest.raises(SpecError) as caught:
        load(tmp_path / "model.toml")
    assert caught.value.problems[0].place is not None
    assert caught.value.problems[0].place.line == 3


def test_windows_line_ends_and_a_byte_order_mark_are_read(folder: Path) -> None:
    (folder / "model.toml").write_bytes(b"\xef\xbb\xbf" + KERAS.replace("\n", "\r\n").encode())
    assert load(folder / "model.toml").spec.model.name == "m"
