//! Runs a filter over labelled mail in order and prints how it did: `stream --index FILE --online [--feedback
//! full|ask:N|errors:F|first:N] [--learner isbg|raw|bogofilter] [--wrong-labels F] [--seed N]`. Shows the use of
//! `evaluate`; not part of the program.
#![allow(clippy::print_stdout, reason = "it prints figures, and nothing else")]

use std::convert::Infallible;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use isbg_classifier::evaluate::{self, Confusion, Feedback, Filter, Scored, Verdict};
use isbg_classifier::{Features, Model};
use isbg_types::Class;

type Failure = Box<dyn Error>;

struct Options {
    index: PathBuf,
    feedback: Feedback,
    learner: String,
    wrong_labels: f64,
    seed: u8,
}

fn options() -> Result<Options, Failure> {
    let mut options = Options {
        index: PathBuf::new(),
        feedback: Feedback::Full,
        learner: "isbg".to_owned(),
        wrong_labels: 0.0,
        seed: 0,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--online" {
            continue;
        }
        let value = arguments.next().ok_or(format!("{name} needs a value"))?;
        match name.as_str() {
            "--index" => options.index = value.into(),
            "--feedback" => options.feedback = value.parse()?,
            "--learner" => options.learner = value,
            "--wrong-labels" => options.wrong_labels = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    Ok(options)
}

/// Classes and messages that an index names, in its order.
fn read(index: &Path) -> Result<(Vec<Class>, Vec<Vec<u8>>), Failure> {
    let folder = index.parent().unwrap_or(Path::new("."));
    let text = fs::read_to_string(index).map_err(|error| format!("{}: {error}", index.display()))?;
    let mut stream = (Vec::new(), Vec::new());
    for line in text.lines() {
        let (label, path) = line.split_once(' ').ok_or(format!("not `label path`: {line}"))?;
        stream.0.push(match label {
            "spam" => Class::Spam,
            "ham" => Class::Ham,
            _ => return Err(format!("neither spam nor ham: {line}").into()),
        });
        stream.1.push(fs::read(folder.join(path))?);
    }
    Ok(stream)
}

/// Turns a fraction of the lessons round, always the same ones.
struct Careless<F> {
    filter: F,
    fraction: f64,
}

impl<F: Filter> Filter for Careless<F> {
    type Error = F::Error;

    fn judge(&mut self, number: usize) -> Result<Verdict, F::Error> {
        self.filter.judge(number)
    }

    fn teach(&mut self, number: usize, class: Class) -> Result<(), F::Error> {
        let draw = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
        let wrong = (draw as f64 / (1u64 << 53) as f64) < self.fraction;
        let told = match (wrong, class) {
            (false, class) => class,
            (true, Class::Ham) => Class::Spam,
            (true, Class::Spam) => Class::Ham,
        };
        self.filter.teach(number, told)
    }
}

struct Ours<'a> {
    model: Model,
    /// Of the message judged last: it is often the one taught next.
    last: Option<(usize, Features)>,
    mail: &'a [Vec<u8>],
}

impl Filter for Ours<'_> {
    type Error = Infallible;

    fn judge(&mut self, number: usize) -> Result<Verdict, Infallible> {
        let features = self.model.features(&self.mail[number]);
        let judgement = self.model.score_features(&features);
        self.last = Some((number, features));
        Ok(Verdict {
            score: judgement.logit,
            spam: judgement.is_spam(),
            suspect: judgement.is_suspect(),
            ask: judgement.is_uncertain(),
        })
    }

    fn teach(&mut self, number: usize, class: Class) -> Result<(), Infallible> {
        let features = match self.last.take() {
            Some((judged, features)) if judged == number => features,
            _ => self.model.features(&self.mail[number]),
        };
        self.model.learn_features(features, class);
        Ok(())
    }
}

/// Logistic regression over the distinct 4-grams of the first 3,000 raw bytes (Goodman and Yih 2006, Cormack 2007).
struct RawGrams<'a> {
    weights: Vec<f32>,
    mail: &'a [Vec<u8>],
}

impl RawGrams<'_> {
    const RATE: f32 = 0.004;

    fn slots(&self, number: usize) -> Vec<usize> {
        let raw = &self.mail[number];
        let mut slots: Vec<usize> = raw[..raw.len().min(3000)]
            .array_windows::<4>()
            .map(|gram| (u32::from_le_bytes(*gram).wrapping_mul(0x9e37_79b1) >> 8) as usize)
            .collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    fn logit(&self, slots: &[usize]) -> f32 {
        slots.iter().map(|&slot| self.weights[slot]).sum()
    }
}

impl Filter for RawGrams<'_> {
    type Error = Infallible;

    fn judge(&mut self, number: usize) -> Result<Verdict, Infallible> {
        let logit = f64::from(self.logit(&self.slots(number)));
        Ok(Verdict {
            score: logit,
            spam: logit > 0.0,
            suspect: logit > 0.0,
            ask: logit.abs() < 2.0,
        })
    }

    fn teach(&mut self, number: usize, class: Class) -> Result<(), Infallible> {
        let slots = self.slots(number);
        let truth = if class == Class::Spam { 1.0 } else { 0.0 };
        let step = Self::RATE * (truth - 1.0 / (1.0 + (-self.logit(&slots)).exp()));
        slots.iter().for_each(|&slot| self.weights[slot] += step);
        Ok(())
    }
}

/// The installed bogofilter, one process a call, with a database of its own.
struct Bogofilter<'a> {
    folder: PathBuf,
    mail: &'a [Vec<u8>],
    taught: bool,
}

impl<'a> Bogofilter<'a> {
    fn new(mail: &'a [Vec<u8>]) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("stream-bogofilter-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            mail,
            taught: false,
        })
    }

    fn run(&self, option: &str, number: usize) -> Result<String, Failure> {
        let mut child = Command::new("bogofilter")
            .arg("-d")
            .arg(&self.folder)
            .arg(option)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("bogofilter: {error}; is it installed?"))?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(&self.mail[number])?;
        }
        Ok(String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned())
    }
}

impl Drop for Bogofilter<'_> {
    fn drop(&mut self) {
        // Left over, it only takes room in the temporary folder.
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Filter for Bogofilter<'_> {
    type Error = Failure;

    fn judge(&mut self, number: usize) -> Result<Verdict, Failure> {
        // It refuses to judge without a database.
        let answer = if self.taught {
            self.run("-TT", number)?
        } else {
            "0.5".to_owned()
        };
        let score: f64 = answer
            .trim()
            .parse()
            .map_err(|_| format!("bogofilter said {answer:?}"))?;
        Ok(Verdict {
            score,
            spam: score > 0.5,
            suspect: score > 0.5,
            ask: (0.1..0.9).contains(&score),
        })
    }

    fn teach(&mut self, number: usize, class: Class) -> Result<(), Failure> {
        self.run(if class == Class::Spam { "-s" } else { "-n" }, number)?;
        self.taught = true;
        Ok(())
    }
}

fn run<F: Filter>(filter: F, classes: &[Class], options: &Options) -> Result<Vec<Verdict>, F::Error> {
    let mut filter = Careless {
        filter,
        fraction: options.wrong_labels,
    };
    evaluate::online(&mut filter, classes, options.feedback, u64::from(options.seed))
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    let (classes, mail) = read(&options.index)?;
    let start = Instant::now();
    let verdicts = match options.learner.as_str() {
        "isbg" => {
            let model = Model::new([options.seed; 16]);
            run(
                Ours {
                    model,
                    last: None,
                    mail: &mail,
                },
                &classes,
                &options,
            )?
        }
        "raw" => {
            let weights = vec![0.0; 1 << 24];
            run(RawGrams { weights, mail: &mail }, &classes, &options)?
        }
        "bogofilter" => run(Bogofilter::new(&mail)?, &classes, &options)?,
        other => return Err(format!("no learner {other}").into()),
    };
    let seconds = start.elapsed().as_secs_f64();
    let scored: Vec<Scored> = verdicts
        .iter()
        .zip(&classes)
        .map(|(verdict, &class)| Scored {
            score: verdict.score,
            class,
        })
        .collect();
    let count = |skip: usize, spam: fn(&Verdict) -> bool| {
        let called = verdicts.iter().zip(&classes).skip(skip);
        Confusion::count(called.map(|(verdict, &class)| (class, spam(verdict))))
    };
    let all = count(0, |verdict| verdict.spam);
    let figure = |figure: Option<f64>| figure.map_or("-".to_owned(), |figure| format!("{figure:.4}"));
    println!("messages                       {}", classes.len());
    println!(
        "1-ROCA%                        {}",
        figure(evaluate::one_minus_roca_percent(&scored))
    );
    println!(
        "spam missed % at ham 0.1 %     {}",
        figure(evaluate::missed_percent(&scored, 0.1))
    );
    println!("accuracy %                     {:.3}", all.accuracy_percent());
    println!(
        "ham as spam                    {} ({:.3} %)",
        all.ham_as_spam,
        all.false_positive_percent()
    );
    println!(
        "spam as ham                    {} ({:.3} %)",
        all.spam_as_ham,
        all.missed_percent()
    );
    if options.learner == "isbg" {
        let sure = count(1000, |verdict| verdict.score > (0.95f64 / 0.05).ln());
        let (wrong, percent) = (sure.ham_as_spam, sure.false_positive_percent());
        println!("p > .95 after 1,000: ham       {wrong} ({percent:.3} %)");
        println!("p > .95 after 1,000: missed    {:.2} %", sure.missed_percent());
        let late = scored.get(1000..).unwrap_or_default();
        let error = evaluate::calibration_error(&evaluate::reliability(late));
        println!("calibration error after 1,000  {error:.4}");
    }
    println!(
        "messages a second              {:.0}",
        classes.len() as f64 / seconds
    );
    Ok(())
}
