"""A worker of an event stream, on Python's plain WebSockets."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect

url, stream, count = sys.argv[1], sys.argv[2], int(sys.argv[3])


async def work():
    seen, refused = [], False
    # It connects again by itself whenever the connection is lost.
    async for socket in connect(url):
        await socket.send(json.dumps({"type": "start", "stream": stream}))
        async for text in socket:
            batch = json.loads(text)
            numbers = [event["object"]["n"] for event in batch["events"]]
            answer = {"stream": stream, "batchNumber": batch["batchNumber"]}
            if 2 in numbers and not refused:
                refused = True
                await socket.send(json.dumps({"type": "nack", "message": "not now", **answer}))
                continue
            if 4 in numbers and 0 not in seen:
                seen.append(0)  # once: without an answer and without a goodbye
                socket.transport.abort()
                break
            seen += numbers
            await socket.send(json.dumps({"type": "ack", **answer}))
            if len(seen) > count:
                await socket.close()
                return seen


print(json.dumps(asyncio.run(work())))
