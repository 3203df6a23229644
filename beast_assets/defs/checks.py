"""The home's health as asset checks: the probes of ``core.health``, one check each.

Checks, and not an asset: they concern the home and have no partitions, and an asset without them
could not be materialized beside the four in one run over a range.
"""

from collections.abc import Iterator
from typing import Any, Final

import dagster as dg

from beast_assets.core.health import (
    OK,
    PROBES,
    WARN,
    Check,
    Finding,
    Probe,
    Subject,
    examine,
    load_libraries,
)
from beast_assets.defs.health import DAGSTER_PROBES, DagsterProbe
from beast_assets.defs.names import CHECK_HEALTH, CHECKED_ASSET, INDEX_HEALTH
from beast_assets.defs.resources import SettingsResource
from beast_assets.defs.runs import sign

# A model may have to be loaded by way of torch; nobody waits for this run.
_TIMEOUT_S: Final = 60.0

_SPECS: Final = [
    dg.AssetCheckSpec(probe.name, asset=CHECKED_ASSET, description=probe.description)
    for probe in (*PROBES, *DAGSTER_PROBES)
]


@dg.multi_asset_check(name=INDEX_HEALTH, specs=_SPECS, can_subset=True)
def index_health(
    context: dg.AssetCheckExecutionContext, settings: SettingsResource
) -> Iterator[dg.AssetCheckResult]:
    """Examine the home as `beast doctor` does."""
    sign(context.instance, context.run.run_id)
    load_libraries()
    asked = {key.name for key in context.selected_asset_check_keys}
    of_dagster = [_bound(probe, context.instance) for probe in DAGSTER_PROBES]
    probes = [probe for probe in (*PROBES, *of_dagster) if probe.name in asked]
    for check in examine(probes, settings.get(), timeout_s=_TIMEOUT_S).checks:
        yield _result(check)


def _bound(probe: DagsterProbe, instance: dg.DagsterInstance) -> Probe:
    def run(subject: Subject) -> Finding:
        return probe.look(instance, subject.settings)

    return Probe(probe.name, probe.description, run, WARN)


def _result(check: Check) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check.name,
        asset_key=CHECKED_ASSET,
        passed=check.status == OK,
        severity=dg.AssetCheckSeverity.WARN
        if check.status == WARN
        else dg.AssetCheckSeverity.ERROR,
        description=check.detail,
        metadata=_metadata(check),
    )


def _metadata(check: Check) -> dict[str, dg.MetadataValue[Any]]:
    figures = {"seconds": round(check.seconds, 3), **check.figures}
    return {name: _value(value) for name, value in figures.items()}


def _value(value: Any) -> dg.MetadataValue[Any]:
    match value:
        case bool():
            return dg.MetadataValue.bool(value)
        case int():
            return dg.MetadataValue.int(value)
        case float():
            return dg.MetadataValue.float(value)
        case str():
            return dg.MetadataValue.text(value)
    return dg.MetadataValue.json(value)


check_health = dg.define_asset_job(
    CHECK_HEALTH,
    selection=dg.AssetSelection.checks(index_health),
    description="Examine the home; each hour, and whenever you like.",
)

check_health_hourly = dg.ScheduleDefinition(
    name="check_health_hourly",
    job=check_health,
    cron_schedule="17 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
