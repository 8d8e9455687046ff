//! Bounds the bytes of messages that are held at a time. Does not know what is done with them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many bytes of messages may be held at a time, by all connections that share the budget (clones do).
#[derive(Debug, Clone)]
pub struct ByteBudget {
    bytes: Arc<Semaphore>,
    total: u32,
}

/// A share of a budget, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    _share: Option<OwnedSemaphorePermit>,
}

impl ByteBudget {
    /// A budget of `total` bytes, at least one and at most 1 GiB.
    pub fn new(total: u64) -> Self {
        let total = total.clamp(1, 1 << 30) as u32;
        Self {
            bytes: Arc::new(Semaphore::new(total as usize)),
            total,
        }
    }

    /// Waits until `size` bytes are free and takes them. A message larger than the whole budget takes all of it.
    pub(crate) async fn take(&self, size: u64) -> Permit {
        let share = u32::try_from(size).map_or(self.total, |size| size.min(self.total));
        // The semaphore is never closed, so there always is a share in the end.
        let share = Arc::clone(&self.bytes).acquire_many_owned(share).await.ok();
        Permit { _share: share }
    }

    /// How many bytes are free.
    pub fn free(&self) -> u64 {
        self.bytes.available_permits() as u64
    }
}
