//! What a set of rule files means, as plain data. Does not know how it was read or how it is run.

use std::collections::{BTreeMap, BTreeSet};

use isbg_types::Score;

use crate::lint::Lint;
use crate::meta::Op;
use crate::pattern::{Flags, Requirement};

/// Everything that was loaded.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// The rules in the order of their names.
    pub rules: Vec<Rule>,
    /// The settings that are no rules.
    pub settings: Settings,
    /// What was wrong with the files, in the order it was found.
    pub lint: Vec<Lint>,
    /// The version lines (`# UPDATE version N`) of the files that have one.
    pub versions: BTreeMap<String, u64>,
}

impl RuleSet {
    /// A rule's place in [`RuleSet::rules`].
    pub fn find(&self, name: &str) -> Option<usize> {
        self.rules
            .binary_search_by(|rule| rule.name.as_str().cmp(name))
            .ok()
    }
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name; those that begin with two underscores never score.
    pub name: String,
    /// What it tests.
    pub test: Test,
    /// Its points by score set: 1 for network tests plus 2 for the classifier.
    pub scores: [f64; 4],
    /// Its flags.
    pub flags: TestFlags,
    /// Its place in the order of evaluation; lower comes first.
    pub priority: i32,
    /// Its description in the language asked for.
    pub description: Option<String>,
}

/// What a rule tests.
#[derive(Debug, Clone)]
pub enum Test {
    /// A header, with modifiers, against a pattern.
    Header(HeaderTest),
    /// Whether a header exists.
    Exists {
        /// The header's name, possibly with modifiers.
        selector: String,
    },
    /// A header of any MIME part against a pattern.
    MimeHeader(HeaderTest),
    /// A text of the message against a pattern.
    Text {
        /// Which text.
        view: View,
        /// The pattern.
        pattern: Source,
    },
    /// A function over the message.
    Eval {
        /// The kind of rule that called it.
        view: EvalView,
        /// The function's name, with the welcomelist and blocklist spelling.
        function: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// An expression over other rules, by their places in [`RuleSet::rules`].
    Meta(Vec<Op<usize>>),
    /// Properties of each URI (`uri_detail`), all of which must hold.
    UriDetail(Vec<UriProperty>),
    /// A DNS look-up of one of the network plugins.
    Network {
        /// The directive, such as `askdns`.
        directive: String,
        /// What followed the name.
        arguments: String,
    },
    /// A name that only plugins let hit.
    Empty,
    /// Something valid that cannot be run here, with the reason.
    Unrunnable(String),
}

/// A header selector against a pattern.
#[derive(Debug, Clone)]
pub struct HeaderTest {
    /// The header's name and modifiers, such as `From:addr`.
    pub selector: String,
    /// Whether the pattern must *not* match.
    pub negated: bool,
    /// What is tested where the header is absent.
    pub if_unset: Option<Vec<u8>>,
    /// The pattern.
    pub pattern: Source,
}

/// The texts of a message that patterns are applied to, line by line or chunk by chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// The rendered text.
    Body,
    /// The decoded, unrendered text parts.
    RawBody,
    /// The whole message as it came.
    Full,
    /// Every URI found.
    Uri,
}

/// The kind of rule that an eval function is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum EvalView {
    Header,
    Body,
    RawBody,
    Full,
    /// A DNS list look-up.
    Rbl,
}

/// One condition of a `uri_detail` rule.
#[derive(Debug, Clone)]
pub struct UriProperty {
    /// `raw`, `type`, `cleaned`, `text`, `domain` or `host`.
    pub key: String,
    /// Whether the pattern must not match.
    pub negated: bool,
    /// The pattern.
    pub pattern: Source,
}

/// A pattern that was read and found valid, its tags replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The text without delimiters.
    pub text: Vec<u8>,
    /// The modifiers.
    pub flags: Flags,
    /// What a text must contain for it to match.
    pub requirement: Requirement,
    /// The names its groups capture for other rules.
    pub captures: Vec<String>,
    /// The captured names that stand in it as `%{NAME}`: it can only be compiled once these are known.
    pub templates: Vec<String>,
}

/// A rule's `tflags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct TestFlags {
    pub net: bool,
    pub nice: bool,
    pub learn: bool,
    pub user_configured: bool,
    pub no_autolearn: bool,
    pub autolearn_force: bool,
    /// Counts every match.
    pub multiple: bool,
    /// Counts no further than this.
    pub max_hits: Option<u32>,
    /// A list is asked about domains only, or about addresses only.
    pub domains_only: bool,
    pub ips_only: bool,
    /// A list is asked about the addresses of links' hosts, or of their name servers.
    pub a: bool,
    pub ns: bool,
    /// A list is asked about the full host.
    pub notrim: bool,
    /// A body rule that leaves out the subject line.
    pub no_subject: bool,
    /// A MIME header rule over all parts' values at once.
    pub concat: bool,
    /// The parts a MIME header rule looks at, counted from 1.
    pub range: Option<(u32, u32)>,
}

/// An address list: each entry is a glob in lower case.
pub type AddressList = BTreeSet<String>;

/// Address globs with the domains that must have relayed or signed the mail.
pub type RelayedList = BTreeMap<String, Vec<String>>;

/// Networks of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    /// Whether any was configured.
    pub configured: bool,
    /// Addresses or CIDR blocks as written; a leading `!` excludes.
    pub entries: Vec<String>,
}

/// Whose Authentication-Results count (`authres_networks` and its like).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthRes {
    /// Which relays may have added the field: `internal` (also if empty), `trusted` or `all`.
    pub networks: String,
    /// The servers that are believed, by authserv-id in lower case; empty: all.
    pub trusted: BTreeSet<String>,
    /// The servers that are not.
    pub ignored: BTreeSet<String>,
}

/// Settings and lists.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The score from which a message is spam.
    pub required_score: Score,
    /// The plugins that count as loaded.
    pub plugins: BTreeSet<String>,
    /// Character sets of these locales are expected, or `all`.
    pub ok_locales: String,
    /// Relays that do not forge headers.
    pub trusted_networks: Networks,
    /// Relays of one's own.
    pub internal_networks: Networks,
    /// Relays that only take mail from authenticated users.
    pub msa_networks: Networks,
    /// Headers that hold the address a web mail was sent from.
    pub originating_ip_headers: Vec<String>,
    /// The header that holds the envelope sender, if one is configured.
    pub envelope_sender_header: Option<String>,
    /// Whether the envelope sender is believed however the mail came.
    pub always_trust_envelope_sender: bool,
    /// Whether text is converted from its declared character set.
    pub normalize_charset: bool,
    /// Bytes of each part that body rules see.
    pub body_part_scan_size: usize,
    /// Bytes of each part that rawbody rules see.
    pub rawbody_part_scan_size: usize,
    /// Patterns whose capture is the target of a redirecting URI.
    pub redirector_patterns: Vec<Source>,
    /// Plain address lists by name, those of `enlist_addrlist` included.
    pub addresses: BTreeMap<String, AddressList>,
    /// Address lists with domains by name.
    pub relayed: BTreeMap<String, RelayedList>,
    /// URI host lists by name; `false` marks an exception.
    pub uri_hosts: BTreeMap<String, BTreeMap<String, bool>>,
    /// `util_rb_tld`, `util_rb_2tld`, … by their number of labels.
    pub suffixes: BTreeMap<u8, BTreeSet<String>>,
    /// Free mail domains.
    pub freemail_domains: BTreeSet<String>,
    /// Free mail domains with `*` or `?`.
    pub freemail_globs: BTreeSet<String>,
    /// Free mail addresses and domains that do not count.
    pub freemail_welcomelist: BTreeSet<String>,
    /// Hosts whose bounces are welcome.
    pub bounce_relays: AddressList,
    /// Globs over the subject: `welcomelist_subject` and `blocklist_subject`.
    pub subjects: BTreeMap<String, AddressList>,
    /// `uridnsbl`, `uridnssub` and their like: the directive and what followed the name, by the rule's name.
    pub uri_lists: BTreeMap<String, (String, String)>,
    /// `uridnsbl_skip_domain`: hosts and domains of links that are not looked up.
    pub skipped_uri_domains: BTreeSet<String>,
    /// Whose Authentication-Results count.
    pub authres: AuthRes,
    /// All other settings known here, as they were written, in order.
    pub other: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            required_score: Score::REQUIRED,
            plugins: BTreeSet::new(),
            ok_locales: "all".to_owned(),
            trusted_networks: Networks::default(),
            internal_networks: Networks::default(),
            msa_networks: Networks::default(),
            originating_ip_headers: Vec::new(),
            envelope_sender_header: None,
            always_trust_envelope_sender: false,
            normalize_charset: true,
            body_part_scan_size: 50_000,
            rawbody_part_scan_size: 500_000,
            redirector_patterns: Vec::new(),
            addresses: BTreeMap::new(),
            relayed: BTreeMap::new(),
            uri_hosts: BTreeMap::new(),
            suffixes: BTreeMap::new(),
            freemail_domains: BTreeSet::new(),
            freemail_globs: BTreeSet::new(),
            freemail_welcomelist: BTreeSet::new(),
            bounce_relays: BTreeSet::new(),
            subjects: BTreeMap::new(),
            uri_lists: BTreeMap::new(),
            skipped_uri_domains: BTreeSet::new(),
            authres: AuthRes::default(),
            other: Vec::new(),
        }
    }
}

impl Settings {
    /// The last value given for a setting that has no field of its own.
    pub fn other(&self, key: &str) -> Option<&str> {
        let found = self.other.iter().rev().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    /// The last value given for an entry of a setting that is written as `setting entry value`; the entry's letter case
    /// does not count.
    pub fn other_of(&self, key: &str, entry: &str) -> Option<&str> {
        let lines = self.other.iter().rev().filter(|(known, _)| known == key);
        let mut entries = lines.map(|(_, line)| line.split_once(char::is_whitespace).unwrap_or((line, "")));
        entries
            .find(|(known, _)| known.trim_start_matches('@').eq_ignore_ascii_case(entry))
            .map(|(_, value)| value)
    }
}
