"""Podspecs, as Ruby reads them: what they call of CocoaPods, which is not here, only notes what it is given."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

# What podspecs call, as far as generated ones do; prints what they say.
_PROGRAM = """
require 'json'
KNOWN = %w[name version summary license homepage author source swift_versions static_framework source_files
           resource_bundles resources user_target_xcconfig pod_target_xcconfig deployment_target].map { |n| "#{n}=" }
class Said
  attr_reader :values
  def initialize(prefix = nil)
    @values = {}
  end
  def dependency(name, *versions)
    (@values['dependency'] ||= {})[name] = versions
  end
  def ios
    @ios ||= Said.new.tap { |own| @values['ios'] = own.values }
  end
  def test_spec(name)
    own = Said.new
    yield own
    @values['test_spec'] = { name => own.values }
  end
  def method_missing(name, *given)
    raise NoMethodError, name unless KNOWN.include?(name.to_s) && given.length == 1
    @values[name.to_s.chomp('=')] = given[0]
  end
end
module Pod
  class Spec
    def self.new
      said = Said.new
      yield said
      puts JSON.generate(said.values)
    end
  end
end
load ARGV[0]
"""


def read(file: Path) -> dict[str, Any]:
    """What a podspec says. Needs `ruby`, which scripts/install_test_tools.sh installs.

    Raises:
        AssertionError: If it is no Ruby, or calls what podspecs have not.
    """
    done = subprocess.run(["ruby", "-e", _PROGRAM, file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value
