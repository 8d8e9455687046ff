//! The installed bogofilter as a filter over a stream. Does not install it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Error, Result};
use isbg_classifier::evaluate::{Filter, Verdict};
use isbg_testkit::Home;
use isbg_types::Class;

/// One process a call, with a database of its own.
pub struct Bogofilter<'a> {
    home: Home,
    mail: &'a [Vec<u8>],
    taught: bool,
}

impl<'a> Bogofilter<'a> {
    /// One that was taught nothing.
    ///
    /// # Errors
    /// When there is no room for its database.
    pub fn new(mail: &'a [Vec<u8>]) -> Result<Self> {
        Ok(Self {
            home: Home::new()?,
            mail,
            taught: false,
        })
    }

    fn run(&self, option: &str, number: usize) -> Result<String> {
        let mut child = Command::new("bogofilter")
            .arg("-d")
            .arg(self.home.path())
            .arg(option)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("bogofilter; is it installed?")?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(&self.mail[number])?;
        }
        Ok(String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned())
    }
}

impl Filter for Bogofilter<'_> {
    type Error = Error;

    fn judge(&mut self, number: usize) -> Result<Verdict, Error> {
        // It refuses to judge without a database.
        let answer = if self.taught {
            self.run("-TT", number)?
        } else {
            "0.5".to_owned()
        };
        let score: f64 = answer
            .trim()
            .parse()
            .with_context(|| format!("bogofilter said {answer:?}"))?;
        Ok(Verdict {
            score,
            spam: score > 0.5,
            suspect: score > 0.5,
            ask: (0.1..0.9).contains(&score),
        })
    }

    fn teach(&mut self, number: usize, class: Class) -> Result<(), Error> {
        self.run(if class == Class::Spam { "-s" } else { "-n" }, number)?;
        self.taught = true;
        Ok(())
    }
}
