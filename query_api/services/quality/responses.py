"""What a title's quality and the report over all of them look like."""

from datetime import UTC, datetime

from msgspec import Struct

from query_api.services.quality.reader import Report, ScoredTitle
from query_api.services.quality.scoring import BUCKETS


class TitleQuality(Struct, frozen=True, rename="camel"):
    """`score` is `completeness` times `freshness`, each from 0 to 1; `missing` says what would complete it."""

    title_id: str
    name: str
    kind: str
    score: float
    completeness: float
    freshness: float
    changed_at: datetime
    missing: tuple[str, ...]

    @classmethod
    def of(cls, title: ScoredTitle) -> "TitleQuality":
        return cls(
            title.title_id,
            title.name,
            title.kind,
            title.score,
            title.completeness,
            title.freshness,
            title.event_at.astimezone(UTC),
            title.missing,
        )


class Bucket(Struct, frozen=True, rename="camel"):
    """Titles with a score above the bound before and up to this one."""

    up_to: float
    titles: int


class MissingField(Struct, frozen=True):
    field: str
    titles: int


class QualityReport(Struct, frozen=True, rename="camel"):
    """Over all live titles, but `low`: those below the threshold, lowest first. `mean` is null without titles."""

    as_of: datetime
    titles: int
    mean: float | None
    buckets: tuple[Bucket, ...]
    missing: tuple[MissingField, ...]
    low: tuple[TitleQuality, ...]
    next_cursor: str | None = None

    @classmethod
    def of(cls, report: Report, shown: int, now: datetime, next_cursor: str | None) -> "QualityReport":
        most_missing = sorted(report.missing.items(), key=lambda pair: (-pair[1], pair[0]))
        return cls(
            as_of=now,
            titles=report.titles,
            mean=report.mean,
            buckets=tuple(Bucket(bound, report.buckets.get(number, 0)) for number, bound in enumerate(BUCKETS, 1)),
            missing=tuple(MissingField(name, count) for name, count in most_missing),
            low=tuple(map(TitleQuality.of, report.low[:shown])),
            next_cursor=next_cursor,
        )
