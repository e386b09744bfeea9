"""All collections and aliases of one data folder, and the one file that says which there are.

`catalog.json` is replaced atomically: a batch of alias changes, a creation or a deletion happens whole or not at all.
A collection's data is in a folder of its own: made before the catalog names it, removed after the catalog forgot it.
"""

import fcntl
import logging
import os
import re
import shutil
import uuid
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec
from qdrant_client.http import models

from devstack.qdrant.collection import Collection
from devstack.qdrant.errors import (
    QdrantError,
    already_exists,
    collection_not_found,
    not_found,
    validation_error,
    wrong_input,
)

logger = logging.getLogger("devstack.qdrant")

_INVALID_NAME: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_MAX_NAME: Final = 255


class UnreadableCollectionError(Exception):
    """The data of a collection cannot be opened; the message names it, its folder and the engine's reason."""


class _Entry(msgspec.Struct):
    folder: str
    settings: dict[str, Any]
    indexes: dict[str, Any] = msgspec.field(default_factory=dict)


class _File(msgspec.Struct):
    collections: dict[str, _Entry] = msgspec.field(default_factory=dict)
    aliases: dict[str, str] = msgspec.field(default_factory=dict)


class Catalog:
    """Changed from one thread only; `find` may be called from any (it reads one dictionary entry)."""

    def __init__(self, root: Path, lock_file: TextIO) -> None:
        self._root = root
        self._lock_file = lock_file
        self.collections: dict[str, Collection] = {}
        self.aliases: dict[str, str] = {}

    @classmethod
    def open(cls, root: Path) -> "Catalog":
        """Load everything under `root`, which is created if missing.

        :raises BlockingIOError: another server has the folder.
        :raises UnreadableCollectionError: the engine refuses the data of one.
        """
        (root / "collections").mkdir(parents=True, exist_ok=True)
        lock_file = (root / "lock").open("w")
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        catalog = cls(root, lock_file)
        file = root / "catalog.json"
        known = msgspec.json.decode(file.read_bytes(), type=_File) if file.exists() else _File()
        for name, entry in known.collections.items():
            settings = models.CreateCollection.model_validate(entry.settings)
            folder = root / "collections" / entry.folder
            try:
                catalog.collections[name] = Collection.load(name, folder, settings, entry.indexes)
            except QdrantError as error:
                raise UnreadableCollectionError(f"collection {name} in {folder}: {error}") from error
        catalog.aliases = known.aliases
        catalog._remove_orphans({entry.folder for entry in known.collections.values()})
        return catalog

    def find(self, name: str) -> Collection:
        """By name or alias.

        :raises QdrantError: 404.
        """
        found = self.collections.get(name) or self.collections.get(self.aliases.get(name, ""))
        if found is None:
            raise collection_not_found(name)
        return found

    def create(self, name: str, settings: models.CreateCollection) -> Collection:
        """
        :raises QdrantError: 409 when the name is taken, 400 or 422.
        """
        if not name or len(name) > _MAX_NAME or _INVALID_NAME.search(name):
            raise validation_error("collection_name", 'is empty, too long or contains one of <>:"/\\|?*')
        if name in self.collections:
            raise already_exists(f"Collection `{name}` already exists!")
        if name in self.aliases:
            message = f"Can't create collection with name {name}. Alias with the same name already exists"
            raise wrong_input(message)
        collection = Collection.create(name, self._root / "collections" / uuid.uuid4().hex, settings)
        self.collections[name] = collection
        try:
            self.save()
        except OSError:
            del self.collections[name]
            collection.destroy()
            raise
        return collection

    def forget(self, name: str) -> Collection | None:
        """Take a collection and its aliases out; the caller destroys it. None without one of that very name."""
        collection = self.collections.pop(name, None)
        if collection is not None:
            self.aliases = {alias: target for alias, target in self.aliases.items() if target != name}
            self.save()
        return collection

    def change_aliases(self, actions: list[models.AliasOperations]) -> None:
        """Apply all actions in order, or none.

        :raises QdrantError: 404 for an unknown collection or alias, 409 when a collection has the alias's name.
        """
        aliases = dict(self.aliases)
        for action in actions:
            match action:
                case models.CreateAliasOperation():
                    self._check_alias_name(action.create_alias.alias_name)
                    target = action.create_alias.collection_name
                    if target not in self.collections:
                        raise collection_not_found(target)
                    aliases[action.create_alias.alias_name] = target
                case models.DeleteAliasOperation():
                    aliases.pop(action.delete_alias.alias_name, None)
                case models.RenameAliasOperation():
                    rename = action.rename_alias
                    if rename.old_alias_name not in aliases:
                        raise not_found(f"Alias {rename.old_alias_name} does not exists!")
                    self._check_alias_name(rename.new_alias_name)
                    aliases[rename.new_alias_name] = aliases.pop(rename.old_alias_name)
        before, self.aliases = self.aliases, aliases
        try:
            self.save()
        except OSError:
            self.aliases = before
            raise

    def save(self) -> None:
        """Replace `catalog.json`; it is on the disk when this returns."""
        content = _File(
            {
                name: _Entry(item.folder.name, item.settings.model_dump(mode="json", exclude_none=True), item.indexes)
                for name, item in self.collections.items()
            },
            self.aliases,
        )
        draft = self._root / "catalog.json.new"
        with draft.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(content)))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._root / "catalog.json")

    def close(self) -> None:
        """Flush and close every collection, then let another server have the folder."""
        for collection in self.collections.values():
            collection.close()
        self.collections = {}
        self._lock_file.close()

    def _check_alias_name(self, alias: str) -> None:
        if alias in self.collections:
            raise already_exists(f"Collection `{alias}` already exists!")

    def _remove_orphans(self, known: set[str]) -> None:
        """Folders that a kill left between making or forgetting a collection and the file."""
        for folder in (self._root / "collections").iterdir():
            if folder.name not in known:
                logger.warning("orphan_removed", extra={"folder": folder.name})
                shutil.rmtree(folder, ignore_errors=True)
