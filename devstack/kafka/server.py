"""Apache Kafka in KRaft mode, one node that is broker and controller, from Maven artifacts on the machine's Java."""

import base64
import hashlib
import re
import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

import msgspec
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from devstack import ports
from devstack.backend import Command, Place, Report
from devstack.errors import StackError
from devstack.record import locked, unwritable

FOLDER = Path(__file__).parent
JAVA_NEEDED = 17
MESSAGE_BYTES = 8 * 1024 * 1024
"""Largest record: a webhook delivery may have 5 MB and is stored raw, plus envelope and headers."""

DOCKER_WAY = "or use containers: `docker compose up`"


class KafkaBackend(msgspec.Struct, frozen=True):
    port: int
    java_home: str = ""
    name: str = "kafka"
    stop_signal: signal.Signals = signal.SIGTERM
    start_seconds: float = 90.0

    @property
    def ports(self) -> Mapping[str, int]:
        return {"kafka": self.port, "controller": self.port + 1000 if self.port else 0}

    def prepare(self, place: Place, report: Report) -> None:
        java = self._java()
        self._install(place, report)
        try:
            place.data.mkdir(parents=True, exist_ok=True)
            self._configuration(place).write_text(properties(place))
        except OSError as error:
            raise unwritable(place.data, error) from error
        if not (place.data / "log" / "meta.properties").exists():
            self._format(place, java)

    def command(self, place: Place) -> Command:
        return Command(
            [
                self._java(),
                "-Xmx512m",
                "-Xms128m",
                "-XX:+UseSerialGC",  # two cores and half a gigabyte: the smallest footprint, pauses stay short
                "-XX:TieredStopAtLevel=1",  # the optimising compiler would take a core of two for its first minutes
                "-XX:+ExitOnOutOfMemoryError",
                f"-Dlog4j2.configurationFile={FOLDER / 'log4j2.xml'}",
                "-cp",
                f"{self._jars(place)}/*",
                "kafka.Kafka",
                str(self._configuration(place)),
            ],
            place.data,
        )

    def ready(self, place: Place) -> bool:
        if not ports.answers(place.ports["kafka"]):
            return False
        admin = AdminClient({"bootstrap.servers": self._address(place), "log_level": 0})
        try:
            return bool(admin.list_topics(timeout=2.0).brokers)
        except KafkaException:
            return False

    def settle(self, place: Place) -> None:
        """Nothing: topics are made by `mg topics apply`."""

    def addresses(self, place: Place) -> dict[str, str]:
        return {"kafka": self._address(place)}

    def _address(self, place: Place) -> str:
        return f"{ports.HOST}:{place.ports['kafka']}"

    def _configuration(self, place: Place) -> Path:
        return place.data / "server.properties"

    def _jars(self, place: Place) -> Path:
        pom = hashlib.sha256((FOLDER / "pom.xml").read_bytes()).hexdigest()
        return place.cache / f"kafka-{pom[:12]}"

    def _java(self) -> str:
        java = str(Path(self.java_home) / "bin" / "java") if self.java_home else shutil.which("java")
        if not java or not Path(java).exists():
            raise StackError(
                f"Kafka needs Java {JAVA_NEEDED} or newer: install it (Debian: openjdk-17-jre-headless), {DOCKER_WAY}"
            )
        return java

    def _check_version(self, java: str) -> None:
        text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
        version = java_version(text)
        if version is not None and version < JAVA_NEEDED:
            raise StackError(
                f"Kafka needs Java {JAVA_NEEDED} or newer and {java} is {version}: "
                f"install openjdk-17-jre-headless or set JAVA_HOME, {DOCKER_WAY}"
            )

    def _install(self, place: Place, report: Report) -> None:
        """Copies the jars once per `pom.xml`, into a folder that gets its name when it is complete."""
        jars = self._jars(place)
        if jars.exists():
            return
        with locked(jars.with_suffix(".lock"), report):
            if not jars.exists():
                self._download(jars, report)

    def _download(self, jars: Path, report: Report) -> None:
        self._check_version(self._java())
        maven = shutil.which("mvn")
        if maven is None:
            raise StackError(f"Kafka's jars come by Maven: install it (Debian: maven), {DOCKER_WAY}")
        report("kafka: downloading the broker's jars (43 MB, once)")
        incoming = jars.with_suffix(".incoming")
        shutil.rmtree(incoming, ignore_errors=True)
        outcome = subprocess.run(
            [
                maven,
                "-q",
                "-B",
                "-f",
                str(FOLDER / "pom.xml"),
                "dependency:copy-dependencies",
                f"-DoutputDirectory={incoming}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if outcome.returncode != 0:
            raise StackError(
                f"Maven could not download Kafka ({first_error(outcome.stdout)}): check the network, {DOCKER_WAY}"
            )
        incoming.rename(jars)

    def _format(self, place: Place, java: str) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        outcome = subprocess.run(
            [
                java,
                f"-Dlog4j2.configurationFile={FOLDER / 'log4j2.xml'}",
                "-cp",
                f"{self._jars(place)}/*",
                "kafka.tools.StorageTool",
                "format",
                "-t",
                # a leading dash would be read as an option
                "m" + cluster[1:],
                "-c",
                str(self._configuration(place)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if outcome.returncode != 0:
            reason = (outcome.stderr or outcome.stdout).strip().splitlines()[-1:]
            raise StackError(
                f"Kafka's data folder {place.data} could not be formatted: {' '.join(reason)}; try `mg stack reset`"
            )


def properties(place: Place) -> str:
    """`server.properties`. A static quorum of one, because a dynamic one remembers the controller's port in its log."""
    broker, controller = place.ports["kafka"], place.ports["controller"]
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{ports.HOST}:{controller}",
        "listeners": f"PLAINTEXT://{ports.HOST}:{broker},CONTROLLER://{ports.HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{ports.HOST}:{place.advertised or broker}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": place.data / "log",
        "auto.create.topics.enable": "false",
        "message.max.bytes": MESSAGE_BYTES,
        "replica.fetch.max.bytes": MESSAGE_BYTES,
        "socket.request.max.bytes": 64 * 1024 * 1024,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # a killed broker's registration must run out before it may register again
        "broker.session.timeout.ms": 2000,
        "broker.heartbeat.interval.ms": 400,
        "group.initial.rebalance.delay.ms": 0,
        # two cores: fewer threads, a smaller cleaner
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "log.segment.bytes": 128 * 1024 * 1024,
        # files of a segment are allocated up front; small ones let many test topics fit on a disk
        "log.index.size.max.bytes": 1024 * 1024,
        "num.recovery.threads.per.data.dir": 2,
        # topics that a test deletes leave the disk soon
        "log.segment.delete.delay.ms": 5000,
        "controlled.shutdown.enable": "false",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def java_version(text: str) -> int | None:
    """The major version in the output of `java -version`; None when it says something unknown."""
    found = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if found is None:
        return None
    major = int(found[1])
    return int(found[2]) if major == 1 and found[2] else major


def first_error(output: str) -> str:
    lines = [line.removeprefix("[ERROR]").strip() for line in output.splitlines() if line.startswith("[ERROR]")]
    return lines[0][:200] if lines else "no reason given"
