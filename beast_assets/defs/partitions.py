"""The partitions that all four assets share: buckets by a prefix of the hash of a file's path."""

import dagster as dg

from beast_assets.core.ids import bucket_keys
from beast_assets.core.session import recorded_bucket_count
from beast_assets.core.settings import Settings


def bucket_partitions(settings: Settings) -> dg.StaticPartitionsDefinition:
    """As many buckets as the home records; before there is one, as many as the settings say."""
    return dg.StaticPartitionsDefinition(bucket_keys(recorded_bucket_count(settings)))
