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


@schemathesis.hook
def map_body(context, body):
    """No stream calls anybody but this machine, and there nobody listens."""
    webhook = body.get("webhook") if isinstance(body, dict) else None
    if isinstance(webhook, dict):
        http = webhook.get("http")
        for options, name in ((webhook, "url"), (http, "proxyURL")):
            if isinstance(options, dict) and str(options.get(name)).startswith("http"):
                options[name] = "http://127.0.0.1:9"
    return body
