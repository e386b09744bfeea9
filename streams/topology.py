"""Everything that runs in the pipeline: two tuples, nothing discovered."""

from streams.engine.spec import MaterializerSpec, ProcessorSpec
from streams.materializers import availability, provider_deliveries, title_catalog, title_search
from streams.processors import embedding, entity_resolution, normalization

PROCESSORS: tuple[ProcessorSpec, ...] = (normalization.SPEC, entity_resolution.SPEC, embedding.SPEC)
MATERIALIZERS: tuple[MaterializerSpec, ...] = (
    title_catalog.SPEC,
    availability.SPEC,
    title_search.SPEC,
    provider_deliveries.SPEC,
)
PIPELINE: tuple[ProcessorSpec | MaterializerSpec, ...] = (*PROCESSORS, *MATERIALIZERS)
