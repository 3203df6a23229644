"""What is examined, as probes see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from beast_assets.core.errors import BeastError, NoIndexError
from beast_assets.core.health.records import FAIL, OK, WARN, Finding
from beast_assets.core.ledger import Ledger
from beast_assets.core.settings import Settings

if TYPE_CHECKING:
    from beast_assets.core.search import IndexHandle


class NothingToSayError(Exception):
    """A probe cannot look, for a reason that is another probe's to tell."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.finding = finding


@dataclass(frozen=True)
class Subject:
    """A home that is examined.

    Attributes:
        settings: of the home.
        handle: an open index whose loaded model may be used.
        timeout_s: how many seconds each probe has.
    """

    settings: Settings
    handle: "IndexHandle | None"
    timeout_s: float

    def ledger(self) -> Ledger:
        """The ledger, for every probe but the one that examines it.

        Raises:
            NothingToSayError: there is none, or it cannot be opened.
        """
        try:
            return Ledger.open_existing(self.settings.ledger_url)
        except NoIndexError:
            raise NothingToSayError(Finding(OK, "nothing is indexed yet")) from None
        except (BeastError, OSError, SQLAlchemyError) as error:
            words = "not known: the ledger cannot be opened (see the check `ledger`)"
            raise NothingToSayError(Finding(WARN, words)) from error


class Probe(NamedTuple):
    """One question about a home.

    Attributes:
        name: one word.
        description: what it asks, in a sentence.
        run: looks, and writes nothing; what it raises is a failed check.
        late: the status if it does not answer in time.
    """

    name: str
    description: str
    run: Callable[[Subject], Finding]
    late: str = FAIL
