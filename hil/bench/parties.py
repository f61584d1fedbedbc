"""The parties of a bench, each as a caller of the functions of the others (SGP.02, ES1 to ES7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.desk import Desk
    from hil.bench.key_files import ServerKeyFile
    from hil.bench.servers_section import ActorKind

_Kept = TypeVar("_Kept")


class Lack(Protocol):
    """What is called where the bench lacks something; it ends the test."""

    def __call__(self, reason: str) -> NoReturn:
        """Say what is lacking."""


class Parties:
    """Who is on the bench: the first and the second of each kind, in the order of its file.

    A test that needs a party which the bench lacks ends there (``lack``). ``keys``: key set file of
    the servers, where the bench has one.
    """

    def __init__(self, desk: Desk, lack: Lack, *, keys: ServerKeyFile | None = None) -> None:
        self.desk = desk
        self.lack = lack
        self.keys = keys
        self._kept: dict[object, Any] = {}

    @property
    def mno(self) -> str:
        """The MNO whose profiles are managed."""
        return self._one("mno", 0)

    @property
    def other_mno(self) -> str:
        """An MNO to which those profiles do not belong."""
        return self._one("mno", 1)

    @property
    def sm_dp(self) -> str:
        """The SM-DP that made the profiles."""
        return self._one("sm-dp", 0)

    @property
    def other_sm_dp(self) -> str:
        """An SM-DP that made other ones."""
        return self._one("sm-dp", 1)

    @property
    def sm_sr(self) -> str:
        """The SM-SR that manages the eUICCs."""
        return self._one("sm-sr", 0)

    @property
    def other_sm_sr(self) -> str:
        """An SM-SR to which they can go."""
        return self._one("sm-sr", 1)

    @property
    def eum(self) -> str:
        """The eUICC maker."""
        return self._one("eum", 0)

    @property
    def support(self) -> str:
        """The support server under an id of its own; it is a party where it is no server, too."""
        found = self.desk.servers.section.of_kind("support-server")
        if not found:
            self.lack("the bench has no support server, and this needs its key set")
        return found[0]

    @property
    def operator(self) -> str:
        """The operator of the bench."""
        return self.desk.servers.section.operator

    def call(
        self, me: str, actor: str, name: str, *, identifier: str | None = None, **fields: object
    ) -> dict[str, Any]:
        """Have ``me`` call a function of an actor; return its answer.

        ``identifier`` as in :meth:`FunctionCaller.function`. Raises Refusal with the reason.
        """
        return self.desk.caller(me, actor).function(name, fields, identifier=identifier)

    def kept(self, make: Callable[[Parties], _Kept]) -> _Kept:
        """Return what ``make`` has made once in this run: a precondition that no test changes."""
        if make not in self._kept:
            self._kept[make] = make(self)
        found: _Kept = self._kept[make]
        return found

    def _one(self, kind: ActorKind, number: int) -> str:
        found = self.desk.servers.of_kind(kind)
        if len(found) <= number:
            self.lack(f"the bench has {len(found)} of the kind {kind}, and this needs {number + 1}")
        return found[number]
