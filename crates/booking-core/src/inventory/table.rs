//! Things that have a long name and are pointed at by many seats: found by name in O(log n), by
//! slot in O(1). A slot is an address in memory, never part of the state: it is not encoded and
//! decides nothing.

use alloc::{collections::BTreeMap, vec::Vec};

/// Address of an entry.
pub(crate) type Slot = u32;

#[derive(Clone, Debug)]
pub(crate) struct Table<K, V> {
    slots_by_key: BTreeMap<K, Slot>,
    entries: Vec<Option<V>>,
    vacant: Vec<Slot>,
}

impl<K: Ord, V> Table<K, V> {
    pub(crate) const fn new() -> Self {
        Self {
            slots_by_key: BTreeMap::new(),
            entries: Vec::new(),
            vacant: Vec::new(),
        }
    }
    pub(crate) fn slot(&self, key: &K) -> Option<Slot> {
        self.slots_by_key.get(key).copied()
    }
    pub(crate) fn contains(&self, key: &K) -> bool {
        self.slots_by_key.contains_key(key)
    }
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.slot(key).map(|slot| self.at(slot))
    }
    /// # Panics
    /// If nothing is at `slot`: whoever points there outlived it.
    pub(crate) fn at(&self, slot: Slot) -> &V {
        self.entries[slot as usize]
            .as_ref()
            .expect("a slot that is pointed at is taken")
    }
    /// # Panics
    /// If nothing is at `slot`.
    pub(crate) fn at_mut(&mut self, slot: Slot) -> &mut V {
        self.entries[slot as usize]
            .as_mut()
            .expect("a slot that is pointed at is taken")
    }
    /// Adds an entry whose key is not there yet.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Slot {
        let slot = if let Some(slot) = self.vacant.pop() {
            self.entries[slot as usize] = Some(value);
            slot
        } else {
            self.entries.push(Some(value));
            (self.entries.len() - 1) as Slot
        };
        let before = self.slots_by_key.insert(key, slot);
        debug_assert!(before.is_none(), "keys are added once");
        slot
    }
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let slot = self.slots_by_key.remove(key)?;
        self.vacant.push(slot);
        self.entries[slot as usize].take()
    }
    /// Entries in order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots_by_key
            .iter()
            .map(|(key, slot)| (key, self.at(*slot)))
    }
    pub(crate) fn len(&self) -> usize {
        self.slots_by_key.len()
    }
    /// Heap in use, without what the entries own themselves.
    pub(crate) fn heap_bytes(&self) -> usize {
        super::btree_bytes::<K, Slot>(self.slots_by_key.len())
            + self.entries.capacity() * size_of::<Option<V>>()
            + self.vacant.capacity() * size_of::<Slot>()
    }
}
