//! Where the model lies that a run judges and learns with: a file in the state folder. Does not know what is in it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use isbg_classifier::MODEL_LIMIT;
use isbg_engine::{Change, Memory, ModelHome, Stamp, Unknown, UnknownKind};
use isbg_store::{Error, ModelFile};

use crate::secrets::shown;

/// The model of everybody who names none: all of the user's accounts share it.
pub const DEFAULT: &str = "default";

/// How long another process is waited for: it has the lock while it reads, learns anew what is not saved yet, and writes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The file of the model of this name.
pub fn file(state_dir: &Path, name: &str) -> Option<ModelFile> {
    ModelFile::new(state_dir, name, MODEL_LIMIT as u64)
}

/// The model of this name, as it was saved last. `None` where there is no folder for it.
pub fn memory(state_dir: &Path, name: &str) -> Option<Memory> {
    if state_dir.as_os_str().is_empty() {
        return None;
    }
    let home = Home {
        file: file(state_dir, name)?,
        has_snapshot: AtomicBool::new(false),
    };
    Some(Memory::open(Arc::new(home)))
}

struct Home {
    file: ModelFile,
    /// Whether this run has kept the model as it found it.
    has_snapshot: AtomicBool,
}

impl ModelHome for Home {
    fn name(&self) -> String {
        shown(&self.file.path())
    }

    fn read(&self) -> Result<Option<Vec<u8>>, Unknown> {
        self.file.read().map_err(unknown)
    }

    fn stamp(&self) -> Stamp {
        let found = fs::metadata(self.file.path()).ok()?;
        Some((found.modified().ok()?, found.len()))
    }

    fn change(&self, change: Change<'_>) -> Result<(), Unknown> {
        let locked = self.file.lock(PATIENCE).map_err(unknown)?;
        let bytes = change(locked.read().map_err(unknown)?)?;
        if !self.has_snapshot.load(Ordering::Relaxed) {
            locked.keep_snapshot(SystemTime::now().into()).map_err(unknown)?;
            self.has_snapshot.store(true, Ordering::Relaxed);
        }
        locked.replace(&bytes).map_err(unknown)
    }
}

fn unknown(error: Error) -> Unknown {
    Unknown::new(UnknownKind::Outage, error.to_string())
}
