//! Compares hits and scores with what `oracle/dump-hits.pl` printed, over the same files and rule directories.
//!
//! Arguments: the file with its lines, then the rule directories. Prints the differences by rule, most frequent first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use isbg_message::views::Views;
use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};

/// Processor time of this thread so far, where the system tells it.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

#[derive(Default)]
struct Difference {
    missing: usize,
    extra: usize,
    value: usize,
    example: String,
}

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let oracle = std::fs::read_to_string(arguments.next().ok_or("name the oracle's output")?)?;
    let started = Instant::now();
    let matcher = Matcher::new(
        load(&Sources::of(arguments.map(Into::into).collect()))?,
        Mode::default(),
    )?;
    println!(
        "ready in {:?}; {} rules are unknown",
        started.elapsed(),
        matcher.unknown().len()
    );
    let mut by_rule: BTreeMap<String, Difference> = BTreeMap::new();
    let (mut messages, mut same_hits, mut same_scores, mut same_verdicts) = (0, 0, 0, 0);
    let (mut hits, mut common) = (0, 0);
    let mut warm: Vec<Bytes> = Vec::new();
    let mut spent = Duration::ZERO;
    let mut worst = (Duration::ZERO, String::new());
    for line in oracle.lines() {
        let theirs: serde_json::Value = serde_json::from_str(line)?;
        let path = theirs["path"].as_str().unwrap_or_default();
        let Ok(bytes) = std::fs::read(path) else { continue };
        let started = Instant::now();
        let message = Bytes::from(bytes);
        let outcome = matcher.check(&Views::new(&message, matcher.view_settings()));
        let took = started.elapsed();
        spent += took;
        for rule in &outcome.limited {
            println!("{}: no steps left in {path}", matcher.rules().rules[*rule].name);
        }
        warm.push(message);
        if took > worst.0 {
            worst = (took, path.to_owned());
        }
        let ours: BTreeMap<&str, f64> = outcome
            .hits
            .iter()
            .map(|hit| (matcher.rules().rules[hit.rule].name.as_str(), hit.value))
            .collect();
        let empty = serde_json::Map::new();
        let wanted: BTreeMap<&str, f64> = theirs["hits"]
            .as_object()
            .unwrap_or(&empty)
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_f64().unwrap_or(0.0)))
            .collect();
        messages += 1;
        hits += wanted.len();
        let names: BTreeSet<&str> = ours.keys().chain(wanted.keys()).copied().collect();
        let mut differs = false;
        for name in names {
            let difference = by_rule.entry(name.to_owned()).or_default();
            let (count, note) = match (ours.get(name), wanted.get(name)) {
                (Some(ours), Some(wanted)) if ours == wanted => {
                    common += 1;
                    continue;
                }
                (Some(ours), Some(wanted)) => (&mut difference.value, format!("{ours} for {wanted}")),
                (Some(_), None) => (&mut difference.extra, String::new()),
                (None, _) => (&mut difference.missing, String::new()),
            };
            *count += 1;
            differs = true;
            difference.example = format!("{path} {note}");
        }
        let score = theirs["score"].as_f64().unwrap_or(0.0);
        same_hits += usize::from(!differs);
        same_scores += usize::from((outcome.score.points() - score).abs() < 0.0005);
        same_verdicts += usize::from((outcome.score.points() >= 5.0) == (score >= 5.0));
    }
    let mut rows: Vec<(String, Difference)> = by_rule.into_iter().collect();
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.missing + row.extra + row.value));
    for (name, row) in rows
        .iter()
        .take_while(|(_, row)| row.missing + row.extra + row.value > 0)
        .take(60)
    {
        println!(
            "{name}: {} missing, {} extra, {} other value; {}",
            row.missing, row.extra, row.value, row.example
        );
    }
    println!(
        "{messages} messages: same hits {same_hits}, same score {same_scores}, same verdict {same_verdicts}"
    );
    let (mut views_only, mut whole, mut slowest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for message in &warm {
        let started = processor_time();
        let views = Views::new(message, matcher.view_settings());
        std::hint::black_box((
            views.body(),
            views.rawbody(),
            views.uris(),
            views.relays(),
            views.envelope_from(),
        ));
        views_only += processor_time() - started;
        let started = processor_time();
        std::hint::black_box(matcher.check(&Views::new(message, matcher.view_settings())));
        let took = processor_time() - started;
        slowest = slowest.max(took);
        whole += took;
    }
    let count = messages.max(1);
    println!(
        "processor time a message, all compiled: {:?}, of which views {:?}",
        whole / count,
        views_only / count
    );
    println!("the slowest message: {slowest:?}");
    println!(
        "{common} of {hits} hits; mean {:?}, worst {:?} {}",
        spent / messages.max(1),
        worst.0,
        worst.1
    );
    Ok(())
}
