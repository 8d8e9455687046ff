//! Being asked to end: SIGINT, SIGTERM, Ctrl-C. Does not end anything itself; a pass looks at the flag between steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use crate::exit::Status;
use crate::report::Terminal;

/// For ending in good order.
const GRACE: Duration = Duration::from_secs(5);

/// Whether the run was asked to end.
#[derive(Debug, Default)]
pub struct Stop {
    /// Set once it was.
    pub flag: Arc<AtomicBool>,
    listening: AtomicBool,
}

impl Stop {
    /// Whether the run was asked to end.
    pub fn is_asked(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Takes the signals from here on: the first asks for an end in good order, and a second one, or the end of
    /// [`GRACE`], ends the process, which loses nothing either. Must be called within the runtime.
    pub fn listen(&self) {
        if self.listening.swap(true, Ordering::Relaxed) {
            return;
        }
        let flag = Arc::clone(&self.flag);
        tokio::spawn(async move {
            if signal().await {
                flag.store(true, Ordering::Relaxed);
                // Whether it was another signal or time ran out: it is enough.
                drop(timeout(GRACE, signal()).await);
                let text = isbg_scan::Error::Stopped.to_string();
                Terminal::new(false).say(&format!("isbg: {text}"));
                std::process::exit(Status::Other.code().into());
            }
        });
    }
}

/// Waits for one signal; whether it came.
#[cfg(unix)]
pub async fn signal() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return false;
    };
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt.is_ok(),
        told = terminate.recv() => told.is_some(),
    }
}

/// Waits for one signal; whether it came.
#[cfg(not(unix))]
pub async fn signal() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
