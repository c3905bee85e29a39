"""Whether a model is as its last build left it, told from the file system alone.

A snapshot holds what a build read and wrote, each path with its `stat_text` and its content's hash, and what the build
had to say. It is valid as long as every path stands as it stood: a file whose times changed is read, one that was
written within the clock's granularity before the snapshot too. Whoever cannot tell says no, and the build finds out.

The command line asks here before it imports anything else, so this module has built-in modules and sqlite3 alone, and
paths are text.
"""

# ruff: noqa: PTH116, PTH118, PTH123, PTH208

from __future__ import annotations

import os
import stat as modes
import time
from binascii import crc32
from collections.abc import Callable, Iterable, Sequence

from tflite_build.workspace import workspace_of

from .database import Database, quiet
from .stats import is_settled, stat_text

FILE_NAME = "snapshots.sqlite"
_FORMAT = "1"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS models (
    spec TEXT NOT NULL, out TEXT NOT NULL, state TEXT NOT NULL, result TEXT NOT NULL, PRIMARY KEY (spec, out)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tools (package TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID
"""
# What stands in place of the stat text.
ABSENT = "-"  # nothing may stand there
A_FILE = "f"  # any file
A_FOLDER = "d"  # any folder
WORKSPACE = "w"  # a folder whose workspace file is the one that stands as content, "" for none
_UNSETTLED = ""  # the content has to be hashed
# What stands before the hash of a folder's names.
_VISIBLE = "visible:"  # without hidden ones and byte code
_ALL = "all:"
_SEPARATOR = "\0"  # which no path holds


def is_listing(content: str) -> bool:
    """Whether the content of an entry is that of a folder, whose names matter."""
    return content.startswith((_VISIBLE, _ALL))


class Entries:
    """Paths, and how each has to stand: `path, stat text, content` again and again, as one flat list.

    Args:
        flat: As a snapshot holds it.
    """

    __slots__ = ("_looked", "_seen", "flat", "refreshed")

    def __init__(self, flat: Sequence[str] = ()) -> None:
        self.flat = list(flat)
        self.refreshed = False
        self._looked = time.time_ns()
        self._seen: dict[str, str] = {}  # path -> its stat text when it was added

    def file(self, path: str, sha256: str, content: Callable[[], str]) -> bool:
        """Add the file at `path`, which should have the content `sha256`; whether it does.

        A file that was written just now is believed, since whoever looks next has to read it. Of another one `content`
        tells the hash.
        """
        try:
            stat = os.stat(path)
            settled = is_settled(stat, self._looked)
            if settled and content() != sha256:
                return False
        except OSError:
            return False
        self._add(path, stat, sha256, settled)
        return True

    def folder(self, path: str, *, hidden: bool = False) -> bool:
        """Add the names in the folder at `path`, hidden ones too if asked for; whether it can be read."""
        try:
            stat = os.stat(path)
            names = _names(path, _ALL if hidden else _VISIBLE)
        except OSError:
            return False
        self._add(path, stat, names, is_settled(stat, self._looked))
        return True

    def _add(self, path: str, stat: os.stat_result, content: str, settled: bool) -> None:
        self._seen[path] = stat_text(stat)
        self.flat += (path, self._seen[path] if settled else _UNSETTLED, content)

    def exactly(self, path: str) -> bool:
        """Add what stands at `path` with its times; whether they tell a later change."""
        try:
            stat = os.stat(path)
        except OSError:
            return False
        self._seen[path] = stat_text(stat)
        self.flat += (path, self._seen[path], "")
        return is_settled(stat, self._looked)

    def standing(self, path: str, how: str) -> None:
        """Add that `path` is ABSENT, A_FILE or A_FOLDER."""
        self.flat += (path, how, "")

    def workspace(self, folder: str) -> None:
        """Add which workspace the specs in `folder` belong to now."""
        self.flat += (folder, WORKSPACE, workspace_of(folder))

    def unmoved(self) -> bool:
        """Whether nothing changed since it was added here."""
        try:
            return all(stat_text(os.stat(path)) == text for path, text in self._seen.items())
        except OSError:
            return False

    def hold(self, workspaces: dict[str, str] | None = None) -> bool:
        """Whether every path stands as it has to. `refreshed` says whether stat texts were found anew meanwhile.

        Args:
            workspaces: What is known of folders for `workspace_of`, for who asks many.
        """
        for at in range(0, len(self.flat), 3):
            path, text = self.flat[at], self.flat[at + 1]
            if text == WORKSPACE:
                if workspace_of(path, workspaces) != self.flat[at + 2]:
                    return False
                continue
            try:
                stat = os.stat(path)
            except OSError:
                if text == ABSENT:
                    continue
                return False
            if text == stat_text(stat):
                continue
            now = self._reread(path, text, self.flat[at + 2], stat)
            if now is None:
                return False
            if now != text:
                self.flat[at + 1] = now
                self.refreshed = True
        return True

    def _reread(self, path: str, text: str, content: str, stat: os.stat_result) -> str | None:
        """The stat text to keep where the content is as it was, else None."""
        if text in (A_FOLDER, A_FILE):
            return text if modes.S_ISDIR(stat.st_mode) == (text == A_FOLDER) else None
        if text == ABSENT or not content:
            return None
        before = time.time_ns()
        try:
            if is_listing(content):
                found = _names(path, _ALL if content.startswith(_ALL) else _VISIBLE)
            else:
                found = _sha256_of(path)
            same = found == content and stat_text(os.stat(path)) == stat_text(stat)
        except OSError:
            return None
        if not same:
            return None
        return stat_text(stat) if is_settled(stat, before) else _UNSETTLED


class Snapshot:
    """What the last build of a model left, and what is to be said while it stays so.

    Attributes:
        tool: The identity of the tool that built it.
        name: The model's name.
        folder: Where its outputs lie.
        files: How many outputs there are.
        steps: How many steps made them.
        shown: The table for people, with the terminal's codes for bold letters; "" where nobody drew one.
        warnings: What has to be said again.
        entries: All that it hangs on.
    """

    __slots__ = ("entries", "files", "folder", "name", "shown", "steps", "tool", "warnings")

    def __init__(
        self,
        tool: str,
        name: str,
        folder: str,
        files: int,
        steps: int,
        shown: str,
        warnings: Sequence[str],
        entries: Entries,
    ) -> None:
        self.tool = tool
        self.name = name
        self.folder = folder
        self.files = files
        self.steps = steps
        self.shown = shown
        self.warnings = warnings
        self.entries = entries

    def to_text(self) -> str:
        """As the database keeps it."""
        head = (self.tool, self.name, self.folder, str(self.files), str(self.steps), self.shown)
        return _sealed((*head, str(len(self.warnings)), *self.warnings, *self.entries.flat))

    @staticmethod
    def parse(text: str) -> Snapshot | None:
        """The inverse of `to_text`; None where the text is damaged or of another version."""
        fields = _opened(text)
        if fields is None:
            return None
        tool, name, folder, files, steps, shown, count = fields[:7]
        end = 7 + int(count)
        return Snapshot(tool, name, folder, int(files), int(steps), shown, fields[7:end], Entries(fields[end:]))


class Snapshots:
    """The snapshots in the store. Several processes may use them at once.

    Args:
        folder: The store's folder.
        report: Called with a line for people where something in it was damaged.
    """

    def __init__(self, folder: str, report: Callable[[str], None] = quiet) -> None:
        self._file = os.path.join(folder, FILE_NAME)
        self._report = report
        self._db = Database(self._file, _SCHEMA, report)

    def unchanged(self, specs: Sequence[str], out: str, tool: Callable[[], str]) -> dict[str, Snapshot]:
        """The valid snapshots of `specs` (absolute paths), built into `out` or with "" beside each.

        Args:
            specs: Which.
            out: Where build folders go.
            tool: Gives the identity of this tool, asked where there are snapshots at all.
        """
        if len(specs) == 1:
            rows = self._db.query("SELECT spec, state FROM models WHERE spec = ? AND out = ?", (specs[0], out))
        else:
            span = (min(specs, default=""), max(specs, default=""), out)
            rows = self._db.query("SELECT spec, state FROM models WHERE spec BETWEEN ? AND ? AND out = ?", span)
        wanted = set(specs)
        own = tool() if rows else ""
        workspaces: dict[str, str] = {}
        found, refreshed = {}, {}
        for spec, state in rows:
            snapshot = self._parsed(state) if spec in wanted else None
            if snapshot is not None and own and snapshot.tool == own and snapshot.entries.hold(workspaces):
                found[spec] = snapshot
                if snapshot.entries.refreshed:
                    refreshed[spec] = snapshot
        if refreshed:
            texts = [(snapshot.to_text(), spec, out) for spec, snapshot in refreshed.items()]
            self._db.write("UPDATE models SET state = ? WHERE spec = ? AND out = ?", texts)
        return found

    def result(self, spec: str, out: str) -> str:
        """The result that was put for `spec`, or ""."""
        rows = self._db.query("SELECT result FROM models WHERE spec = ? AND out = ?", (spec, out))
        fields = _opened(rows[0][0]) if rows else None
        return fields[0] if fields else ""

    def _parsed(self, state: str) -> Snapshot | None:
        snapshot = Snapshot.parse(state)
        if snapshot is None:
            self._damaged()
        return snapshot

    def _damaged(self) -> None:
        self._report(f"a snapshot in {self._file} was damaged or is of another version; it is made anew")

    def put(self, spec: str, out: str, snapshot: Snapshot, result: str) -> None:
        """Remember `snapshot`, and the result as JSON."""
        row = (spec, out, snapshot.to_text(), _sealed((result,)))
        self._db.query("INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?)", row)

    def tool(self, package: str) -> str:
        """The identity of the tool whose package lies in the folder `package`, or "" where that has to be found out."""
        rows = self._db.query("SELECT state FROM tools WHERE package = ?", (package,))
        fields = _opened(rows[0][0]) if rows else None
        if fields is None:
            if rows:
                self._damaged()
            return ""
        entries = Entries(fields[1:])
        if not entries.hold():
            return ""
        if entries.refreshed:
            self._put_tool(package, fields[0], entries)
        return fields[0]

    def put_tool(self, package: str, roots: Iterable[str]) -> str:
        """Find out the identity of the tool from all files in `roots`, and remember it."""
        entries = Entries()
        parts = []
        for root in roots:
            for folder, folders, names in os.walk(root):
                folders[:] = sorted(f for f in folders if f != "__pycache__" and not f.startswith("."))
                entries.folder(folder)
                for name in sorted(n for n in names if not n.startswith(".")):
                    path = os.path.join(folder, name)
                    sha256 = _sha256_of(path)
                    entries.file(path, sha256, sha256.__str__)
                    parts.append(f"{os.path.relpath(path, root)} {sha256}")
        identity = _hash(_SEPARATOR.join(parts).encode("utf-8", "surrogateescape"))
        self._put_tool(package, identity, entries)
        return identity

    def _put_tool(self, package: str, identity: str, entries: Entries) -> None:
        self._db.query("INSERT OR REPLACE INTO tools VALUES (?, ?)", (package, _sealed((identity, *entries.flat))))

    def forget(self) -> int:
        """Remove the snapshots of specs that are not there any more; how many."""
        rows = self._db.query("SELECT spec, out FROM models")
        gone = [(spec, out) for spec, out in rows if not os.path.lexists(spec)]
        if gone:
            self._db.write("DELETE FROM models WHERE spec = ? AND out = ?", gone)
        return len(gone)

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def _sealed(fields: Iterable[str]) -> str:
    body = _SEPARATOR.join((_FORMAT, *fields))
    return f"{crc32(body.encode('utf-8', 'surrogateescape')):08x}{_SEPARATOR}{body}"


def _opened(text: object) -> list[str] | None:
    """The fields; SQLite finds no flipped bit of a value by itself."""
    if not isinstance(text, str):  # the type of a value is as easily damaged as the value
        return None
    checksum, _, body = text.partition(_SEPARATOR)
    if checksum != f"{crc32(body.encode('utf-8', 'surrogateescape')):08x}":
        return None
    version, *fields = body.split(_SEPARATOR)
    return fields if version == _FORMAT else None


def _names(folder: str, which: str) -> str:
    names = os.listdir(folder)
    if which == _VISIBLE:
        names = [n for n in names if not n.startswith(".") and n != "__pycache__"]
    return which + _hash(_SEPARATOR.join(sorted(names)).encode("utf-8", "surrogateescape"))


def _sha256_of(path: str) -> str:
    import hashlib

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()
