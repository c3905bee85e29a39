"""`watch`: a build, and another one whenever something changed that matters to it, in one session.

Nothing is missed: the folders are watched before the build that reads them begins, and where a build turns out to have read
elsewhere, those folders are watched and it is looked at again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import watchfiles

from tflite_build.errors import BuildError, ExitCode, Problem, StoreError
from tflite_build.progress import Listener
from tflite_build.spec.load import load

from . import building
from .area import Area, area
from .building import Outcome
from .driver import Options, Session, Target

IDLE = 300.0  # seconds after which a process that nobody wants is ended
_BURST = 50  # milliseconds of quiet that end a burst of changes
_LONGEST_BURST = 1600  # milliseconds
_LOOK = 200  # milliseconds between two looks at the clock
_READY = 4  # models that processes are made ready for before anything changed
_BROKEN = (ExitCode.STORE_FAILED, ExitCode.ENGINE_FAILED)  # after which a session may not be good for another build
Changed = tuple[str, ...]  # absolute paths, sorted


def watch(
    names: Sequence[str | Path],
    options: Options,
    listener: Listener,
    *,
    begun: Callable[[Changed], None],
    ended: Callable[[Outcome | BuildError, Area], None],
    idle: float = IDLE,
) -> None:
    """Build what `names` mean, and again after each change, until the user has enough.

    Args:
        names: As `building.build` takes them.
        options: How.
        listener: Gets what is done.
        begun: Called where something is to do, with what changed; nothing at first.
        ended: Called with what came of each build, or why there was none.
        idle: Seconds after which unused processes are ended.

    Raises:
        BuildError: If a name means nothing at first.
        StoreError: If folders cannot be watched.
        KeyboardInterrupt: When the user has enough.
    """
    with _Builds(names, options, listener, begun) as builds:
        where, changes = _watched(names, options)
        changed: Changed = ()
        first = True
        while True:
            try:
                outcome: Outcome | BuildError = builds.build(changed)
            except BuildError as error:
                if first and error.code == ExitCode.USAGE:
                    raise
                outcome = error
            ended(outcome, where)
            if first and isinstance(outcome, Outcome):
                builds.get_ready(list(outcome.unchanged)[:_READY])
            first, changed = False, ()
            now = area(names, options.out_dir)
            if not now.folders <= where.folders or changes.lost:
                changes.close()
                where, changes = _watched(names, options)
                continue  # what changed between the two is found by looking
            where = now
            changed = changes.wait(where, lambda: builds.rest(idle))


def _watched(names: Sequence[str | Path], options: Options) -> tuple[Area, _Changes]:
    """The area of now, watched from now on."""
    while True:
        where = area(names, options.out_dir)
        try:
            return where, _Changes(where)
        except FileNotFoundError:  # a folder went meanwhile
            continue


class _Builds:
    """Builds in one session, which is begun when it is needed and given up when it may be broken."""

    def __init__(
        self, names: Sequence[str | Path], options: Options, listener: Listener, begun: Callable[[Changed], None]
    ) -> None:
        self._names = names
        self._options = options
        self._listener = listener
        self._begun = begun
        self._session: Session | None = None

    def __enter__(self) -> _Builds:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def build(self, changed: Changed) -> Outcome:
        """A build; BuildError as `building.build` raises it. What an old session fails at is done in a new one."""
        old = self._session is not None
        try:
            outcome = self._build(changed)
        except StoreError:
            if not old:
                raise
            return self._build(())
        if old and any(e.code == ExitCode.STORE_FAILED for model in outcome.failed for e in model.errors):
            return self._build(())
        return outcome

    def _build(self, changed: Changed) -> Outcome:
        def session() -> Session:
            self._begun(changed)
            return self._ours()

        try:
            outcome = building.build(self._names, self._options, self._listener, full=False, session=session)
        except BaseException:
            self._end()
            raise
        if any(error.code in _BROKEN for model in outcome.failed for error in model.errors):
            self._end()
        elif self._session is not None:
            with contextlib.suppress(BuildError):  # which the next build says, if it still is so
                self._session.again()
        return outcome

    def get_ready(self, specs: Sequence[Path]) -> None:
        """Start the processes that a change in `specs`, which were built before, will want."""
        if specs:
            with contextlib.suppress(BuildError):  # which the next build says, if it still is so
                session = self._ours()
                session.expect([session.job(Target(load(spec))) for spec in specs])

    def rest(self, idle: float) -> None:
        """Let go of what was not used for `idle` seconds."""
        if self._session is not None:
            self._session.workers.end_idle(idle)

    def _ours(self) -> Session:
        if self._session is None:
            self._session = Session(self._options, self._listener, lasting=True)
        return self._session

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.__exit__()


class _Changes:
    """What changes in an area, from the moment that this is made. FileNotFoundError where a folder of it is not there."""

    def __init__(self, where: Area) -> None:
        self.lost = False  # whether a watched folder came or went, so that another may stand in its place
        self._source = _source(where)
        self._early = self._next()  # the folders are watched only from the first look on

    def close(self) -> None:
        """Watch no more."""
        self._source.close()

    def wait(self, where: Area, meanwhile: Callable[[], None]) -> Changed:
        """The next changes that matter; `meanwhile` is called from time to time."""
        found, self._early = self._early, set()
        while True:
            self.lost = self.lost or not where.folders.isdisjoint(found)
            matters = tuple(sorted(path for path in found if where.matters(path)))
            if matters or self.lost:
                return matters
            meanwhile()
            found = self._next()

    def _next(self) -> set[str]:
        try:
            return {path for _, path in next(self._source)}
        except FileNotFoundError:
            raise
        except (OSError, RuntimeError) as error:
            raise StoreError(
                Problem(
                    f"cannot watch for changes: {error}",
                    hint="name fewer folders, or allow more to be watched (on Linux fs.inotify.max_user_watches)",
                )
            ) from None


def _source(where: Area) -> Generator[set[watchfiles.main.FileChange], None, None]:
    return watchfiles.watch(
        *sorted(where.folders),
        watch_filter=None,
        debounce=_LONGEST_BURST,
        step=_BURST,
        rust_timeout=_LOOK,
        yield_on_timeout=True,
        recursive=False,
        ignore_permission_denied=True,
    )
