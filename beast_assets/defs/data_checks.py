"""The questions of ``core.data_checks`` as asset checks, and the night in which they are asked.

They have no partitions: checks lose them in a run over a range. The buckets that fail are named.
A run that materializes assets skips them, for its step logs what it did and yields no output.
"""

import time
from collections.abc import Iterator
from typing import Any, Final

import dagster as dg

from beast_assets.core.data_checks import CHECKS, Outcome, check_data
from beast_assets.core.markdown import shown_text
from beast_assets.core.sampling import parse_sample
from beast_assets.defs.names import CHECK_DATA, DATA_CHECKS
from beast_assets.defs.resources import SettingsResource
from beast_assets.defs.runs import sign

_SPECS: Final = [
    dg.AssetCheckSpec(check.name, asset=check.asset, description=check.description)
    for check in CHECKS
]
_COLUMNS: Final = ("kind", "path", "detail")


class DataCheckConfig(dg.Config):
    """How much is looked at.

    Attributes:
        sample: files to read, cut and embed again: ``5%``, ``200`` or ``all``.
        seed: chooses them; by default another for each day, so that in time all are looked at.
    """

    sample: str = "200"
    seed: int | None = None


@dg.multi_asset_check(name=DATA_CHECKS, specs=_SPECS, can_subset=True)
def data_checks(
    context: dg.AssetCheckExecutionContext, config: DataCheckConfig, settings: SettingsResource
) -> Iterator[dg.AssetCheckResult]:
    """Compare index, ledger and files, as `beast verify` does."""
    sign(context.instance, context.run.run_id)
    asked = {key.name for key in context.selected_asset_check_keys}
    seed = config.seed if config.seed is not None else int(time.time() // 86_400)
    checks = [check for check in CHECKS if check.name in asked]
    plain = settings.get()
    report = check_data(plain, parse_sample(config.sample), seed, checks)
    for outcome in report.outcomes:
        # Named by `beast verify`; here only on wish, for Dagster's records outlive `beast forget`.
        table = _table(outcome) if plain.ui_previews else {}
        yield _result(outcome, {**report.checked, **table}, seed)


def _table(outcome: Outcome) -> dict[str, Any]:
    """The files that differ, named."""
    schema = dg.TableSchema([dg.TableColumn(name) for name in _COLUMNS])
    records = [
        dg.TableRecord({name: shown_text(getattr(one, name)) for name in _COLUMNS})
        for one in outcome.differences
    ]
    return {"differences": dg.MetadataValue.table(records, schema)} if records else {}


def _result(outcome: Outcome, told: dict[str, Any], seed: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=outcome.check.name,
        asset_key=outcome.check.asset,
        passed=outcome.passed,
        # What could not be asked is told as an error by the checks of the home's health.
        severity=dg.AssetCheckSeverity.WARN
        if outcome.problem is not None
        else dg.AssetCheckSeverity.ERROR,
        description=shown_text(outcome.summary),
        metadata={
            "failing_files": outcome.files,
            "failing_buckets": dg.MetadataValue.json(list(outcome.buckets)),
            **told,
            **({"seed": seed} if outcome.check.sampled else {}),
        },
    )


check_data_job = dg.define_asset_job(
    CHECK_DATA,
    selection=dg.AssetSelection.checks(data_checks),
    description="Look the data over, with a sample read, cut and embedded again; each night.",
)

check_data_nightly = dg.ScheduleDefinition(
    name="check_data_nightly",
    job=check_data_job,
    cron_schedule="0 5 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
