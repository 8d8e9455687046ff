//! One line a message, for people. Everything from the message goes through `Untrusted`.

use isbg_engine::Taught;
use isbg_message::Summary;
use isbg_scan::{Form, Original, Spared, Treatment};
use isbg_types::{Tier, Untrusted, Verdict};

/// Columns for the sender and for the subject.
const FROM: usize = 40;
const SUBJECT: usize = 60;

/// A judged message: where it lay, from whom, what about, its score, its tier, what was done.
pub fn judged(place: &str, summary: &Summary, verdict: &Verdict, tier: Tier, action: &str) -> String {
    format!(
        "{place}  {}  {}  {}/{}  {}  {action}",
        Untrusted(&summary.from).clipped(FROM),
        Untrusted(&summary.subject).clipped(SUBJECT),
        verdict.score,
        verdict.required,
        tier.as_str(),
    )
}

/// A message that was not scanned because of its size.
pub fn too_large(place: &str, summary: &Summary, size: u64) -> String {
    format!(
        "{place}  {}  {}  not scanned: {size} bytes",
        Untrusted(&summary.from).clipped(FROM),
        Untrusted(&summary.subject).clipped(SUBJECT),
    )
}

/// Folder and UID.
pub fn place(folder: &str, uid: u32) -> String {
    format!("{}/{uid}", Untrusted(folder).clipped(FROM))
}

/// What was done, with the folder it was put into, and a remark; where nothing was done, the reason.
pub fn outcome(action: &str, to: Option<&str>, why: Option<&str>) -> String {
    let done = match to {
        Some(folder) => format!("{action} to {}", Untrusted(folder).clipped(FROM)),
        None => action.to_owned(),
    };
    match why.map(Untrusted) {
        None => done,
        Some(why) if to.is_none() => why.to_string(),
        Some(why) => format!("{done} ({why})"),
    }
}

/// What would be done.
pub fn intended(treatment: &Treatment) -> String {
    let folder = |name: &str| Untrusted(name).clipped(FROM);
    let mut acts = Vec::new();
    match (&treatment.copy, &treatment.original) {
        (Some((to, Form::AsIs)), Original::Remove) => acts.push(format!("move to {}", folder(to.as_str()))),
        (copy, original) => {
            if let Some((to, form)) = copy {
                let what = if *form == Form::WithReport {
                    "put a report"
                } else {
                    "copy"
                };
                acts.push(format!("{what} to {}", folder(to.as_str())));
            }
            match original {
                Original::Keep => {}
                Original::MarkDeleted => acts.push("mark as deleted".to_owned()),
                Original::Remove => acts.push("remove".to_owned()),
                Original::ToTrash(to) => acts.push(format!("move to {}", folder(to.as_str()))),
            }
        }
    }
    if !treatment.flags.is_empty() {
        acts.push("flag".to_owned());
    }
    acts.join(", ")
}

/// Why a message is left although its tier says otherwise.
pub fn spared(why: Spared) -> &'static str {
    match why {
        Spared::Flagged => "left: it is flagged",
        Spared::PutBack => "left: you have put it back before",
    }
}

/// What is made of what an earlier run left behind.
pub fn recovered(dropped: u64, settled: u64) -> String {
    format!(
        "an earlier run was cut off: {settled} changes that it had begun are looked into and brought to their end, \
         {dropped} that it had not begun are decided anew"
    )
}

/// What became of a lesson, as a word of `--json`; `None`: it was not given.
pub fn taught(taught: Option<Taught>) -> &'static str {
    match taught {
        Some(Taught::Learned) => "learned",
        Some(Taught::AlreadyKnown) => "known_already",
        Some(Taught::TooLarge) => "too_large",
        None => "would_learn",
    }
}
