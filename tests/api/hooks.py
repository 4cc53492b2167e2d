"""What the property tests of the API know besides the documents."""

import schemathesis

UNKNOWN = "x-schemathesis-unknown-property"


@schemathesis.hook
def filter_case(context, case):
    # Whoever passes a request on may add headers, and does: one that is not known is no mistake.
    return UNKNOWN not in {name.lower() for name in case.headers or {}}


@schemathesis.serializer("application/vnd.weir.package", "application/zip")
def binary(ctx, value):
    return {"data": value if isinstance(value, bytes) else str(value).encode()}
