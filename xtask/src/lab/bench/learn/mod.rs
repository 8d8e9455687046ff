//! The learner on streams of sorted mail, beside bogofilter and raw 4-grams on the same streams. Does not know how any of
//! them works.

mod bogofilter;
mod grams;
mod ours;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use isbg_classifier::Model;
use isbg_classifier::evaluate::{self, Confusion, Feedback, Filter, Scored, Verdict};
use isbg_testkit::mail;
use isbg_types::Class;

use bogofilter::Bogofilter;
use grams::RawGrams;
use ours::Ours;

/// Messages after which a model is expected to know its user.
const KNOWN: usize = 1_000;

/// Made-up messages with long HTML, and how long.
const LONG: (u64, usize) = (400, 50_000);

/// Prints, for the stream of each folder with an `index`, what each learner makes of it from nothing, told everything at
/// once; and how fast ours is on long HTML.
///
/// # Errors
/// When a stream cannot be read, or bogofilter is missing.
pub fn learn(corpus: Option<&Path>) -> Result<()> {
    let folder =
        corpus.context("name a folder of streams with --corpus; each has an index and its messages")?;
    println!(
        "{:24} {:10} {:>8} {:>8} {:>12} {:>12} {:>14} {:>9}",
        "stream", "learner", "1-ROCA%", "right %", "ham as spam", "spam missed", "ham at p > .95", "a second"
    );
    for stream in streams(folder)? {
        let name = stream
            .parent()
            .and_then(Path::file_name)
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let (classes, mail) = read(&stream)?;
        if classes.iter().all(|class| *class == classes[0]) {
            println!("{name:24} has mail of one class only");
            continue;
        }
        let model = Model::new([0; 16]);
        let ours = Ours {
            model,
            last: None,
            mail: &mail,
        };
        row(&name, "isbg", ours, &classes)?;
        row(&name, "bogofilter", Bogofilter::new(&mail)?, &classes)?;
        row(&name, "4-grams", RawGrams::new(&mail), &classes)?;
    }
    long()
}

/// Judges and learns a stream, and prints how it went.
fn row<F: Filter>(stream: &str, learner: &str, mut filter: F, classes: &[Class]) -> Result<()>
where
    anyhow::Error: From<F::Error>,
{
    let began = Instant::now();
    let verdicts = evaluate::online(&mut filter, classes, Feedback::Full, 0)?;
    let seconds = began.elapsed().as_secs_f64();
    let scored: Vec<Scored> = verdicts
        .iter()
        .zip(classes)
        .map(|(verdict, &class)| Scored {
            score: verdict.score,
            class,
        })
        .collect();
    let count = |skip: usize, spam: fn(&Verdict) -> bool| {
        let called = verdicts.iter().zip(classes).skip(skip);
        Confusion::count(called.map(|(verdict, &class)| (class, spam(verdict))))
    };
    let all = count(0, |verdict| verdict.spam);
    // Only ours gives a logit.
    let sure = match learner {
        "isbg" => {
            let sure = count(KNOWN, |verdict| verdict.score > (0.95_f64 / 0.05).ln());
            format!("{} of {}", sure.ham_as_spam, sure.ham + sure.ham_as_spam)
        }
        _ => "-".to_owned(),
    };
    println!(
        "{stream:24} {learner:10} {:>8.4} {:>8.3} {:>12} {:>12} {sure:>14} {:>9.0}",
        evaluate::one_minus_roca_percent(&scored).unwrap_or_default(),
        all.accuracy_percent(),
        all.ham_as_spam,
        all.spam_as_ham,
        classes.len() as f64 / seconds,
    );
    Ok(())
}

/// How many long messages are judged and learned a second.
fn long() -> Result<()> {
    let (count, bytes) = LONG;
    let messages: Vec<Vec<u8>> = (0..count).map(|n| html(n, bytes)).collect();
    let classes: Vec<Class> = (0..count)
        .map(|n| if n % 2 == 0 { Class::Ham } else { Class::Spam })
        .collect();
    let mut ours = Ours {
        model: Model::new([0; 16]),
        last: None,
        mail: &messages,
    };
    let began = Instant::now();
    let judged = evaluate::online(&mut ours, &classes, Feedback::Full, 0)?.len();
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{judged} messages of {} kB of HTML: {:.0} judged and learned a second",
        bytes / 1_000,
        judged as f64 / seconds
    );
    Ok(())
}

/// A newsletter of about so many bytes.
fn html(n: u64, bytes: usize) -> Vec<u8> {
    let mut text = format!(
        "From: News {n} <news@shop{n}.example>\r\nTo: me@example.org\r\nSubject: Offers of the week {n}\r\n\
         Message-ID: <{n}@shop.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
         <html><body><table>"
    );
    let filler = mail::sized(n, bytes / 2);
    let mut words = String::from_utf8_lossy(&filler)
        .split_whitespace()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    words.retain(|word| word.chars().all(char::is_alphanumeric));
    for (row, words) in words.chunks(8).cycle().enumerate() {
        if text.len() >= bytes || words.is_empty() {
            break;
        }
        text.push_str(&format!(
            "<tr><td style=\"color:#333;font-family:sans-serif\"><a href=\"https://shop.example/{n}/{row}\">{}</a></td></tr>\r\n",
            words.join(" ")
        ));
    }
    text.push_str("</table></body></html>\r\n");
    text.into_bytes()
}

/// The indexes in a folder of streams, or its own, in name order.
fn streams(folder: &Path) -> Result<Vec<PathBuf>> {
    let own = folder.join("index");
    if own.is_file() {
        return Ok(vec![own]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let inner = path.file_name().map(|name| path.join(name).join("index"));
        let candidates = [Some(path.join("index")), inner];
        found.extend(candidates.into_iter().flatten().find(|path| path.is_file()));
    }
    ensure!(!found.is_empty(), "there is no index in {}", folder.display());
    found.sort();
    Ok(found)
}

/// Classes and messages that an index names, in its order.
fn read(index: &Path) -> Result<(Vec<Class>, Vec<Vec<u8>>)> {
    let folder = index.parent().unwrap_or(Path::new("."));
    let text = std::fs::read_to_string(index).with_context(|| index.display().to_string())?;
    let mut stream = (Vec::new(), Vec::new());
    for line in text.lines() {
        let (label, path) = line
            .split_once(' ')
            .with_context(|| format!("not `label path`: {line}"))?;
        stream.0.push(match label {
            "spam" => Class::Spam,
            "ham" => Class::Ham,
            _ => anyhow::bail!("neither spam nor ham: {line}"),
        });
        stream.1.push(std::fs::read(folder.join(path))?);
    }
    ensure!(!stream.0.is_empty(), "{} names no message", index.display());
    Ok(stream)
}
