"""The plain loop: consume, decode, encode, produce, flush, commit."""

from confluent_kafka import Consumer, Producer

from proofs.benchmarks.peers.job import Watch, job
from schemas import codec

_BATCH = 1000


def main() -> None:
    wanted, watch = job(), Watch()
    consumer = Consumer(
        {"bootstrap.servers": wanted.kafka, "group.id": wanted.group, "auto.offset.reset": "earliest",
         "enable.auto.commit": False}
    )  # fmt: skip
    producer = Producer({"bootstrap.servers": wanted.kafka, "enable.idempotence": True, "compression.type": "lz4"})
    consumer.subscribe([wanted.topic])
    while watch.events < wanted.events:
        found = [m for m in consumer.consume(_BATCH, 0.2) if m.error() is None]
        if not found:
            continue
        watch.begin()
        for message in found:
            producer.produce(wanted.target, codec.encode(codec.decode(message.value() or b"")), message.key())
        producer.flush()
        consumer.commit(asynchronous=False)
        watch.durable(len(found))
    consumer.close()
    watch.tell()


if __name__ == "__main__":
    main()
