//! The one writer to standard error and standard output. Does not know what it writes.

use std::io::{self, Write, stderr, stdout};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use serde::Serialize;

/// Standard error for people, standard output for programs. Progress bars make room while a line is written.
#[derive(Debug)]
pub struct Terminal {
    bars: MultiProgress,
    lively: bool,
    /// Held while writing, so that lines stay whole.
    writing: Mutex<()>,
    /// Whoever read standard output has gone away.
    deaf: AtomicBool,
}

impl Terminal {
    /// `lively`: progress bars are welcome.
    pub fn new(lively: bool) -> Self {
        let target = if lively {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            bars: MultiProgress::with_draw_target(target),
            lively,
            writing: Mutex::new(()),
            deaf: AtomicBool::new(false),
        }
    }

    /// Whether progress bars are shown.
    pub fn is_lively(&self) -> bool {
        self.lively
    }

    /// Shows a progress bar until it is finished.
    pub fn add(&self, bar: ProgressBar) -> ProgressBar {
        self.bars.add(bar)
    }

    /// A line for people. `text` must be safe to print.
    pub fn say(&self, text: &str) {
        // Nobody is left to be told that standard error is gone.
        let _lost = self.line(text, &mut stderr());
    }

    /// Something the user should know, as a line.
    pub fn warn(&self, text: &str) {
        self.say(&format!("isbg: warning: {text}"));
    }

    /// A record for programs, as a line of JSON. When its reader has gone away, the run goes on without.
    pub fn record(&self, record: &impl Serialize) {
        let Ok(text) = serde_json::to_string(record) else {
            return;
        };
        if !self.deaf.load(Ordering::Relaxed) && self.line(&text, &mut stdout().lock()).is_err() {
            self.deaf.store(true, Ordering::Relaxed);
        }
    }

    /// A line, or several, for whoever reads standard output.
    ///
    /// # Errors
    /// When it cannot be written; a reader who has gone away included.
    pub fn print(&self, text: &str) -> io::Result<()> {
        self.line(text, &mut stdout().lock())
    }

    fn line(&self, text: &str, to: &mut dyn Write) -> io::Result<()> {
        let _whole = self.writing.lock();
        self.bars.suspend(|| {
            to.write_all(format!("{text}\n").as_bytes())?;
            to.flush()
        })
    }
}
