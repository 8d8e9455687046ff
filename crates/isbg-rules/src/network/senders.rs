//! Rules over who sent a message, as SPF, DKIM and DMARC tell. Does not verify: it reads what was found out.

use isbg_types::auth::Spf;
use isbg_types::dns::Inquiry;

use crate::load::text::{glob_matches, to_bytes};

use super::dmarc::{self, Outcome};
use super::signed::Signed;
use super::{Board, Context};

/// Whether a function holds. `None`: not known.
type Function = fn(&mut Call<'_, '_, '_>) -> Option<bool>;

/// One call.
struct Call<'c, 'a, 'i> {
    context: &'c Context<'c>,
    signed: Signed<'c>,
    inquiry: &'i mut Inquiry<'a>,
    arguments: &'c [String],
}

const SPF: &[(&str, Function)] = &[
    ("check_for_spf_pass", |call| sender(call, Spf::Pass)),
    ("check_for_spf_neutral", |call| sender(call, Spf::Neutral)),
    ("check_for_spf_none", |call| sender(call, Spf::None)),
    ("check_for_spf_fail", |call| sender(call, Spf::Fail)),
    ("check_for_spf_softfail", |call| sender(call, Spf::SoftFail)),
    ("check_for_spf_permerror", |call| sender(call, Spf::PermError)),
    ("check_for_spf_temperror", |call| sender(call, Spf::TempError)),
    ("check_for_spf_helo_pass", |call| helo(call, Spf::Pass)),
    ("check_for_spf_helo_neutral", |call| helo(call, Spf::Neutral)),
    ("check_for_spf_helo_none", |call| helo(call, Spf::None)),
    ("check_for_spf_helo_fail", |call| helo(call, Spf::Fail)),
    ("check_for_spf_helo_softfail", |call| helo(call, Spf::SoftFail)),
    ("check_for_spf_helo_permerror", |call| helo(call, Spf::PermError)),
    ("check_for_spf_helo_temperror", |call| helo(call, Spf::TempError)),
    ("check_spf_skipped_noenvfrom", |call| {
        Some(call.context.subject.sender.is_none())
    }),
    ("check_for_spf_welcomelist_from", |call| {
        listed(call, &["welcomelist_from_spf", "welcomelist_auth"])
    }),
    ("check_for_def_spf_welcomelist_from", |call| {
        listed(call, &["def_welcomelist_from_spf", "def_welcomelist_auth"])
    }),
];

const DKIM: &[(&str, Function)] = &[
    ("check_dkim_signed", |call| call.signed.any(call.arguments)),
    ("check_dkim_valid", |call| call.signed.valid(call.arguments)),
    ("check_dkim_verified", |call| call.signed.valid(call.arguments)),
    ("check_dkim_valid_author_sig", |call| {
        call.signed.valid_by_author(call.arguments)
    }),
    ("check_dkim_valid_envelopefrom", |call| {
        let sender = call.context.subject.values("EnvelopeFrom:addr").first();
        match sender.and_then(|sender| sender.split_once('@')) {
            Some((_, domain)) => call.signed.valid_by(&[domain.to_ascii_lowercase()]),
            None => Some(false),
        }
    }),
    ("check_dkim_dependable", |call| call.signed.known().map(|_| true)),
    ("check_dkim_adsp", |call| {
        let (letters, domains) = call.arguments.split_first()?;
        call.signed.practices(letters, domains, call.inquiry)
    }),
    ("check_dkim_signall", |call| {
        call.signed.practices("A", &[], call.inquiry)
    }),
    ("check_dkim_signsome", |_| Some(false)),
    ("check_dkim_testing", |_| Some(false)),
    ("check_for_dkim_welcomelist_from", |call| {
        call.signed.welcome("welcomelist_from_dkim", "welcomelist_auth")
    }),
    ("check_for_def_dkim_welcomelist_from", |call| {
        call.signed
            .welcome("def_welcomelist_from_dkim", "def_welcomelist_auth")
    }),
];

const DMARC: &[(&str, Function)] = &[
    ("check_dmarc_pass", |call| {
        dmarc(call, |outcome| *outcome == Outcome::Pass)
    }),
    ("check_dmarc_reject", |call| {
        dmarc(call, |outcome| *outcome == Outcome::Fail(dmarc::Policy::Reject))
    }),
    ("check_dmarc_quarantine", |call| {
        dmarc(call, |outcome| {
            *outcome == Outcome::Fail(dmarc::Policy::Quarantine)
        })
    }),
    ("check_dmarc_none", |call| {
        dmarc(call, |outcome| *outcome == Outcome::Fail(dmarc::Policy::Nothing))
    }),
    ("check_dmarc_missing", |call| {
        dmarc(call, |outcome| *outcome == Outcome::NoPolicy)
    }),
];

/// Whether there is a function of that name.
pub(super) fn knows(function: &str) -> bool {
    [SPF, DKIM, DMARC]
        .iter()
        .any(|family| find(family, function).is_some())
}

fn find(family: &[(&str, Function)], name: &str) -> Option<Function> {
    let mut found = family.iter().filter(|(known, _)| *known == name);
    found.next().map(|(_, function)| *function)
}

/// All rules of this kind.
#[derive(Debug, Default)]
pub(super) struct Rules {
    rules: Vec<(usize, Function, Vec<String>)>,
    spf: bool,
    dkim: bool,
}

impl Rules {
    /// Adds a rule; `false` if the function is none of these.
    pub fn add(&mut self, rule: usize, name: &str, arguments: &[String]) -> bool {
        for (family, spf, dkim) in [(SPF, true, false), (DKIM, false, true), (DMARC, true, true)] {
            if let Some(function) = find(family, name) {
                self.rules.push((rule, function, arguments.to_vec()));
                self.spf |= spf;
                self.dkim |= dkim;
                return true;
            }
        }
        false
    }

    pub fn wants_spf(&self) -> bool {
        self.spf
    }

    pub fn wants_dkim(&self) -> bool {
        self.dkim
    }

    /// Asks what is to be asked, and notes what hits.
    pub fn evaluate(&self, context: &Context<'_>, inquiry: &mut Inquiry<'_>, board: &mut Board) {
        for (rule, function, arguments) in &self.rules {
            let mut call = Call {
                context,
                signed: Signed::of(context),
                inquiry,
                arguments,
            };
            match function(&mut call) {
                Some(true) => board.hit(*rule),
                Some(false) => {}
                None => board.not_known(*rule),
            }
        }
    }
}

/// The result for the envelope's sender: `Some(None)` where there is nothing to check.
pub(super) fn spf_of_sender(context: &Context<'_>) -> Option<Option<Spf>> {
    match context.subject.told.sender {
        Some(told) => Some(Some(told)),
        None if context.subject.sender_request().is_none() => Some(None),
        None => context.authentication.sender.map(Some),
    }
}

/// The same for the name in HELO.
pub(super) fn spf_of_helo(context: &Context<'_>) -> Option<Option<Spf>> {
    match context.subject.told.helo {
        Some(told) => Some(Some(told)),
        None if context.subject.helo_request().is_none() => Some(None),
        None => context.authentication.helo.map(Some),
    }
}

fn is(found: Option<Option<Spf>>, wanted: Spf) -> Option<bool> {
    match found? {
        // The check failed for want of answers: what it would have found is not known.
        Some(Spf::TempError) if wanted != Spf::TempError => None,
        found => Some(found == Some(wanted)),
    }
}

fn sender(call: &Call<'_, '_, '_>, wanted: Spf) -> Option<bool> {
    is(spf_of_sender(call.context), wanted)
}

fn helo(call: &Call<'_, '_, '_>, wanted: Spf) -> Option<bool> {
    is(spf_of_helo(call.context), wanted)
}

/// Whether the sender is in one of the lists, and SPF says that it is the sender.
fn listed(call: &Call<'_, '_, '_>, lists: &[&str]) -> Option<bool> {
    let subject = call.context.subject;
    let Some(address) = subject.sender.as_deref().filter(|sender| !sender.is_empty()) else {
        return Some(false);
    };
    let globs = lists
        .iter()
        .filter_map(|list| call.context.settings.addresses.get(*list));
    let mut globs = globs.flatten();
    if !globs.any(|glob| glob_matches(&to_bytes(glob), address.as_bytes())) {
        return Some(false);
    }
    sender(call, Spf::Pass)
}

fn dmarc(call: &mut Call<'_, '_, '_>, is: impl Fn(&Outcome) -> bool) -> Option<bool> {
    dmarc::outcome(call.context, &call.signed, call.inquiry).map(|outcome| is(&outcome))
}
