"""LaunchDarkly's SDK for Python, told what to do line by line."""

import json
import logging
import sys

import ldclient
from ldclient import Context, LDClient
from ldclient.config import Config

logging.basicConfig(stream=sys.stderr, level=logging.INFO)
relay, key, protocol = sys.argv[1:]


def say(what):
    print(json.dumps(what), flush=True)


system = None
if protocol == "fdv2":
    from ldclient import datasystem

    system = datasystem.streaming().build()
config = Config(
    key,
    base_uri=relay,
    stream_uri=relay,
    events_uri=relay,
    initial_reconnect_delay=0.1,
    datasystem_config=system,
)
client = LDClient(config, start_wait=30)
say({"ready": True} if client.is_initialized() else {"failed": "not initialized in time"})

for line in sys.stdin:
    ask = json.loads(line)
    context = Context.create(ask["user"])
    if ask.get("all"):
        say({"id": ask["id"], "all": client.all_flags_state(context).to_json_dict()})
    else:
        say({"id": ask["id"], "value": client.variation(ask["flag"], context, "none")})
client.close()
