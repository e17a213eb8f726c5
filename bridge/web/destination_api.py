"""The routes of the API about destinations and providers."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.registry import DestinationChange, NewDestination
from bridge.web import destinations, examples, providers, schemas
from bridge.web.operations import Answer, Operation
from bridge.web.queries import DestinationQuery, ForceQuery, ProviderQuery

_ONE = "/v1/destinations/{destination}"

DESTINATIONS: Sequence[Operation] = (
    Operation(
        "GET",
        "/v1/destinations",
        "list_destinations",
        "Destinations",
        "List destinations",
        "Those that have a name, newest first: stored ones and those of the server's environment.",
        destinations.list_destinations,
        (Answer(200, "One page of destinations.", schemas.DestinationList, examples.DESTINATION_LIST),),
        query=DestinationQuery,
    ),
    Operation(
        "POST",
        "/v1/destinations",
        "create_destination",
        "Destinations",
        "Store a destination",
        "Watches name it in `destinations`; where it leads is looked up whenever something is sent. A default one is "
        "used by every watch that names none. A callback without a `secret` shows the one that signs it as its "
        "`signing_secret`, here only. A taken name is a 409.",
        destinations.create,
        (Answer(201, "It is stored.", schemas.DestinationWithSecret, examples.NEW_DESTINATION),),
        (409, 413, 415),
        body=NewDestination,
        body_example=examples.DESTINATION_BODY,
    ),
    Operation(
        "GET",
        _ONE,
        "get_destination",
        "Destinations",
        "Show a destination",
        "By its name, or by its id: that of an inline destination stands in its watch. Secrets are never shown again.",
        destinations.show,
        (Answer(200, "The destination.", schemas.Destination, examples.DESTINATION),),
        (404,),
    ),
    Operation(
        "PATCH",
        _ONE,
        "change_destination",
        "Destinations",
        "Change a destination",
        'Any field but kind and name; what is left out stays. `{"enabled": true}` sends again, also after the receiver '
        "was given up; what failed meanwhile can be retried. Headers and keys are not taken along to another server: "
        "give them again with its `url`. A changed inline destination is no longer the one that equal registrations "
        "mean. One of the server's environment cannot be changed (409), but enabled.",
        destinations.change,
        (Answer(200, "The destination.", schemas.DestinationWithSecret, examples.CHANGED_DESTINATION),),
        (404, 409, 413, 415),
        body=DestinationChange,
        body_example=examples.DESTINATION_CHANGE,
    ),
    Operation(
        "DELETE",
        _ONE,
        "delete_destination",
        "Destinations",
        "Delete a destination",
        "A 409 while a live watch or a pending delivery uses it, or it stands in for another. With `force` what is "
        "pending fails as `disabled`. Its deliveries stay, without its name; they cannot be retried.",
        destinations.delete,
        (Answer(200, "It is gone.", schemas.DeletedDestination, examples.DELETED_DESTINATION),),
        (404, 409),
        query=ForceQuery,
    ),
    Operation(
        "POST",
        f"{_ONE}/test",
        "test_destination",
        "Destinations",
        "Try a destination out",
        "Sends an event now that says it is a test, also while the destination is disabled. Nothing is stored, nothing "
        "is retried.",
        destinations.test,
        (Answer(200, "What came of it, whatever that is.", schemas.DeliveryAttempt, examples.TEST_ATTEMPT),),
        (404, 409, 413),
    ),
    Operation(
        "POST",
        f"{_ONE}/rotate",
        "rotate_destination",
        "Destinations",
        "Rotate a signing secret",
        "A callback gets a new signing secret, shown here only. For 24 hours the old one signs beside it, so that the "
        "receiver can change over: `webhook-signature` then holds two signatures. A 409 for any other kind.",
        destinations.rotate,
        (Answer(200, "The destination.", schemas.DestinationWithSecret, examples.NEW_DESTINATION),),
        (404, 409, 413),
    ),
)

PROVIDERS: Sequence[Operation] = (
    Operation(
        "GET",
        "/v1/providers",
        "list_providers",
        "Providers",
        "List providers",
        "All that are configured. A `paused` one refuses our key, a `suspect` one does not seem to know its videos: "
        "until that is over, no watch there is given up as lost.",
        providers.list_providers,
        (Answer(200, "The providers.", schemas.ProviderList, examples.PROVIDER_LIST),),
        query=ProviderQuery,
    ),
)
