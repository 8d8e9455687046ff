//! A progress bar with rate and time left. Does not know what is counted.

use std::fmt::Write;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use isbg_scan::Phase;
use isbg_types::{FolderName, Untrusted};

use super::Terminal;

/// A bar for `messages` messages of a folder; `None` where it would show nothing.
pub fn bar(terminal: &Terminal, phase: Phase, folder: &FolderName, messages: u64) -> Option<ProgressBar> {
    let verb = match phase {
        Phase::LearnSpam => "learning spam from",
        Phase::LearnHam => "learning ham from",
        Phase::Scan => "scanning",
    };
    let folder = Untrusted(folder.as_str()).clipped(30);
    counting(terminal, format!("{verb} {folder}"), messages)
}

/// A bar for `steps` of what is being done; `None` where it would show nothing.
pub fn counting(terminal: &Terminal, what: String, steps: u64) -> Option<ProgressBar> {
    if !terminal.is_lively() || steps == 0 {
        return None;
    }
    // Nothing may be drawn before the terminal has the bar.
    let mut bar = ProgressBar::new(steps).with_prefix(what);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len}  {rate}  {eta} left") {
        bar = bar.with_style(style.with_key("rate", rate));
    }
    Some(terminal.add(bar))
}

/// A bar for so many bytes; `None` where it would show nothing.
pub fn bytes_bar(terminal: &Terminal, bytes: u64) -> Option<ProgressBar> {
    if !terminal.is_lively() || bytes == 0 {
        return None;
    }
    let mut bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes}  {eta} left") {
        bar = bar.with_style(style);
    }
    Some(terminal.add(bar))
}

fn rate(state: &ProgressState, text: &mut dyn Write) {
    // Writing to a string cannot fail.
    write!(text, "{:.1}/s", state.per_sec()).unwrap_or_default();
}
