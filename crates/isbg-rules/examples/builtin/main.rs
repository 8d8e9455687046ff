//! Fits the scores of the built-in rules over local mail, and counts where each rule hits. Does not know what a rule means.
//!
//! ```text
//! cargo run --release -p isbg-rules --example builtin -- fit   FOLDER   prints builtin/90_scores.cf
//! cargo run --release -p isbg-rules --example builtin -- table FOLDER   prints docs/rules.md
//! cargo run --release -p isbg-rules --example builtin -- list  FOLDER   prints each message's score and hits
//! ```
//!
//! FOLDER holds the corpora, each a folder with an `index` of lines `label path`; near-misses are read from the test kit.

mod corpus;
mod fit;
mod table;

use std::error::Error;
use std::path::Path;

use isbg_rules::load::{Sources, load};
use isbg_rules::matcher::{Matcher, Mode};

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "say fit, table or list, and name the folder of the corpora";
    let (what, folder) = arguments.next().zip(arguments.next()).ok_or(usage)?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The files as they lie there, not as they were built in: a rule can be tried without building.
    let mut sources = Sources::of(vec![here.join("builtin")]);
    sources.local_tests_only = true;
    let rules = load(&sources)?;
    for lint in &rules.lint {
        eprintln!("{lint:?}");
    }
    let matcher = Matcher::new(rules, Mode::default())?;
    let corpora = corpus::read(
        &matcher,
        Path::new(&folder),
        &here.join("../isbg-testkit/mail/near-miss"),
    )?;
    let classes = fit::classes(&here.join("builtin"))?;
    match what.as_str() {
        "fit" => print!("{}", fit::report(&matcher, &corpora, &classes)),
        "table" => print!("{}", table::page(&matcher, &corpora, &classes)),
        "list" => print!("{}", table::messages(&matcher, &corpora)),
        _ => return Err(usage.into()),
    }
    Ok(())
}
