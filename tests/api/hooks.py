"""Lines of JSON, which schemathesis does not know by itself: a list, an item a line."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def write(context, value):
    lines = value if isinstance(value, list) else [value]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


@schemathesis.deserializer("application/x-ndjson")
def read(context, response):
    return [json.loads(line) for line in response.text.split("\n") if line]
