#!/bin/sh
# Chromium, which the tests of pages need, from Debian's packages where it is absent.
set -eu
command -v chromium >/dev/null || command -v chromium-browser >/dev/null && exit 0
as_root=$([ "$(id -u)" = 0 ] || echo sudo)
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -o Acquire::Retries=3 update -qq
$as_root apt-get -o Acquire::Retries=3 install -y -qq --no-install-recommends chromium >/dev/null
