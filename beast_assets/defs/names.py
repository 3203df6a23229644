"""Names that runs, tags and jobs are known by, in one place because they cross processes."""

INDEX_ALL = "index_all"
INDEX_CHANGED = "index_changed"
INDEX_STEP = "index"
MAINTAIN = "maintain"
CHECK_HEALTH = "check_health"
INDEX_HEALTH = "index_health"
CHECK_DATA = "check_data"
DATA_CHECKS = "data_checks"
FILES_CHANGED = "files_changed"
# The job of a run that the UI or `dagster asset materialize` starts for assets as such.
IMPLICIT_JOB = "__ASSET_JOB"
ASSETS = ("manifest", "file_hashes", "chunks", "embeddings")
CHECKED_ASSET = "embeddings"

# A run with this tag leaves alone the partitions in which nothing changed; one without it was asked
# for its partitions by a person, and materializes each of them.
MODE_TAG = "beast/mode"
MODE_CHANGED = "changed"
# What a sensor's run is to bring into the index; a failed one is tried again under the same digest.
DIGEST_TAG = "beast/digest"
# The process that works on a run, told so that another can see whether it still lives.
PROCESS_TAG = "beast/process"

RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
DATA_VERSION_TAG = "dagster/data_version"
