//! Things that several processes share.

use std::collections::HashMap;

/// The number of a thing in a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Handle(u32);

/// Keeps things as long as somebody has a part in them.
#[derive(Debug)]
pub(super) struct Pool<T> {
    things: HashMap<Handle, (T, u32)>,
    next: u32,
}

impl<T: Clone> Pool<T> {
    pub(super) fn new() -> Self {
        Self { things: HashMap::new(), next: 0 }
    }

    /// Puts a thing in, of which the caller has the only part.
    pub(super) fn add(&mut self, thing: T) -> Handle {
        let mut handle = Handle(self.next);
        while self.things.contains_key(&handle) {
            handle = Handle(handle.0.wrapping_add(1));
        }
        self.next = handle.0.wrapping_add(1);
        self.things.insert(handle, (thing, 1));
        handle
    }

    pub(super) fn get(&self, handle: Handle) -> Option<&T> {
        self.things.get(&handle).map(|(thing, _)| thing)
    }

    pub(super) fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        self.things.get_mut(&handle).map(|(thing, _)| thing)
    }

    /// Gives somebody else a part in a thing.
    pub(super) fn share(&mut self, handle: Handle) -> Handle {
        if let Some((_, parts)) = self.things.get_mut(&handle) {
            *parts = parts.saturating_add(1);
        }
        handle
    }

    /// Makes a copy that nobody else has a part in.
    pub(super) fn copy(&mut self, handle: Handle) -> Option<Handle> {
        let thing = self.get(handle)?.clone();
        Some(self.add(thing))
    }

    /// Gives a part up.
    pub(super) fn release(&mut self, handle: Handle) {
        if let Some((_, parts)) = self.things.get_mut(&handle) {
            *parts = parts.saturating_sub(1);
            if *parts == 0 {
                self.things.remove(&handle);
            }
        }
    }

    /// Tells whether somebody else has a part.
    pub(super) fn is_shared(&self, handle: Handle) -> bool {
        self.things.get(&handle).is_some_and(|(_, parts)| *parts > 1)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.things.is_empty()
    }
}
