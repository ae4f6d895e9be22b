"""Environments that a program does not start with."""

from tests.manifests.breaking import Case, tell
from tests.manifests.relations import settings

CASES = {
    "a misspelt setting": Case(
        settings.names_exist,
        tell("MESSENGER_DRAIN_MIN_SECOND", "5"),
        "Deployment messenger sets MESSENGER_DRAIN_MIN_SECOND, which is no setting",
    ),
    "a misspelt setting of the mocks": Case(
        settings.names_exist,
        tell("DOWNSTREAM_FOLK", "9", "downstream"),
        "Deployment downstream sets DOWNSTREAM_FOLK, which is no setting",
    ),
    "a value that is none": Case(
        settings.values_are_taken,
        tell("MESSENGER_LOG_FORMAT", "xml"),
        "Deployment messenger: MESSENGER_LOG_FORMAT",
    ),
    "embedded mocks in a pod": Case(
        settings.values_are_taken,
        tell("MESSENGER_DOWNSTREAM_URL", ""),
        "Deployment messenger: MESSENGER_DOWNSTREAM_URL is not set",
    ),
}
