"""The sources and providers that tests of configurations may name: those of the folders."""

from tocsin import providers, sources
from tocsin.core.kinds import ProviderFacts, SourceFacts

SOURCES: dict[str, SourceFacts] = {
    **sources.announced(),
    **{name: kind.facts for name, kind in sources.discover().items()},
}
PROVIDERS: dict[str, ProviderFacts] = {
    "jsm": ProviderFacts(pages=True, needs_one_of=("api_key",)),
    **{name: kind.facts for name, kind in providers.discover().items()},
}
