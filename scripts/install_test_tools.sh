#!/bin/sh
# What tests need beside Python's packages, from Debian's where it is absent: Chromium for pages, Ruby for podspecs.
set -eu
missing=
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || missing="$missing chromium"
command -v ruby >/dev/null || missing="$missing ruby"
[ -n "$missing" ] || exit 0
as_root=$([ "$(id -u)" = 0 ] || echo sudo)
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -o Acquire::Retries=3 update -qq
# shellcheck disable=SC2086
$as_root apt-get -o Acquire::Retries=3 install -y -qq --no-install-recommends $missing >/dev/null
