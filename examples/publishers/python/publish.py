#!/usr/bin/env python3
"""Publishes an event to Angarium over RabbitMQ, and is sure that it arrived there.

    pip install -r requirements.txt
    AMQP_URL=amqp://… ./publish.py --tenant acme --type order.created --id order-42-created -d '{"id": 42}'

Ends with 0 when RabbitMQ has the message on disk, and with 1, saying why, when it has not: then publish it again with
the same --id, which is what keeps it from becoming two events.
"""

import argparse
import json
import os
import sys
import uuid

import pika
from pika.exceptions import AMQPError, NackError, UnroutableError


def publish(channel, exchange, tenant, event_type, data, message_id, environment="production"):
    """Returns when the message is confirmed. The channel must be in confirm mode."""
    channel.basic_publish(
        exchange,
        routing_key=f"{tenant}.{event_type}",
        body=json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(),
        properties=pika.BasicProperties(
            content_type="application/json",
            delivery_mode=pika.DeliveryMode.Persistent,
            message_id=message_id,
            headers={"x-angarium-environment": environment},
        ),
        # Without a queue behind the exchange the message comes back, instead of being dropped.
        mandatory=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchange", default="angarium.events")
    parser.add_argument("--tenant", required=True, help="its name or its id")
    parser.add_argument("--type", required=True, help="of the event")
    parser.add_argument("--id", help="the idempotency key; made anew without it")
    parser.add_argument("--environment", default="production", choices=["production", "staging"])
    parser.add_argument("-d", "--data", required=True, type=json.loads, help="the event's data, a JSON object")
    given = parser.parse_args()
    # Made before the first try: a second try must have the same.
    message_id = given.id or str(uuid.uuid4())
    parameters = pika.URLParameters(os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2f"))
    parameters.blocked_connection_timeout = 30
    try:
        with pika.BlockingConnection(parameters) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            publish(channel, given.exchange, given.tenant, given.type, given.data, message_id, given.environment)
    except UnroutableError:
        return "no queue takes it: has Angarium ever been started on this RabbitMQ?"
    except NackError:
        return f"RabbitMQ did not keep it: publish it again with --id {message_id}"
    except AMQPError as error:
        return f"it is not known whether RabbitMQ has it ({error!r}): publish it again with --id {message_id}"
    print(f"published {given.type} as {message_id}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
