//! The keys of the config file, each with the text the documentation shows for it. Does not check any value against
//! another.

use std::net::SocketAddr;
use std::path::PathBuf;

use isbg_engine::{NotSenders, Senders};
use isbg_tls::{NotAPin, Pin};
use isbg_types::Score;
use serde::Deserialize;

use crate::args::values::{self, Band, BlastLimit};
use crate::args::{Engine, TlsMode};
use crate::secrets::Secret;

/// Defines the keys of one account once: the fields, how defaults are taken over, and their documentation.
macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty,)+) => {
        /// What a table `[account.NAME]` or `[defaults]` says. Every key is optional here.
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub struct Keys {
            $($(#[doc = $doc])+ pub $name: Option<$type>,)+
        }

        impl Keys {
            /// These keys, and for those that are missing the others'.
            pub fn or(self, other: &Self) -> Self {
                Self { $($name: self.$name.or_else(|| other.$name.clone()),)+ }
            }
        }

        /// Every key's name as it is written in the file, and its documentation.
        pub const DOCUMENTED: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),+)),)+];
    };
}

keys! {
    /// The IMAP server's name. Needed.
    host: String,
    /// The login name. Needed.
    user: String,
    /// The server's port. Default: 993, or 143 with `tls = "starttls"` or `"none"`.
    port: Port,
    /// `"implicit"` (the default), `"starttls"` or `"none"`. Without TLS only a server on this machine is logged in
    /// to, unless `insecure-plaintext` allows another.
    tls: TlsMode,
    /// `true` allows a connection without TLS to another machine. Default: `false`.
    insecure_plaintext: bool,
    /// A PEM file with certificates to trust besides the system's.
    ca_file: PathBuf,
    /// The SHA-256 fingerprint of the server's key or certificate, or a list of them. Then this server and no other is
    /// trusted, whoever issued its certificate.
    pin: Pins,
    /// A PEM file with the client certificate chain. Needs `client-key`.
    client_cert: PathBuf,
    /// A PEM file with the client certificate's key.
    client_key: PathBuf,
    /// The password itself. Refused when other users can read the config file.
    password: Literal,
    /// A file with the password as its only line. Refused when other users can read it.
    password_file: PathBuf,
    /// A command that prints the password.
    password_command: String,
    /// The name of a systemd credential that holds the password.
    systemd_credential: String,
    /// A command that prints an OAuth 2 access token, used instead of a password.
    oauth_token_command: String,
    /// The folder to scan. Default: `"INBOX"`.
    inbox: String,
    /// The folder for spam. Default: the server's junk folder.
    spam_folder: String,
    /// The folder for unsure mail. Default: it stays where it is.
    unsure_folder: String,
    /// `"observe"` (the default) changes nothing and says what it would do, `"flag"` flags spam where it is, `"move"`
    /// moves the untouched original.
    mode: Mode,
    /// `true` (the default): the first run over a folder only reports, whatever the mode.
    first_run_reports: bool,
    /// Move nothing when more than this many messages of a run look like spam, or `"off"`. Default: 100.
    blast_limit: Blast,
    /// The score from which mail is spam. Default: what the scorer says.
    required_score: Score,
    /// Two scores, such as `[4.0, 6.0]`: mail from the one to the other is unsure. Default: no band.
    unsure_band: (Score, Score),
    /// Spam that scores higher than this is certain. Default: none is.
    certain_above: Score,
    /// What becomes of certain spam: `"move"` (the default) or `"delete"`.
    certain_action: CertainAction,
    /// The folder for certain spam. Default: the folder for spam.
    certain_folder: String,
    /// Skip messages of this many bytes or more; they are counted and named. Default: 10000000.
    max_size: AtLeastOne,
    /// Look at this many new messages at most in each folder of a run, the newest first; 0 for no limit. Default: 1000.
    partial_run: u64,
    /// A folder whose new messages are learned as spam.
    learn_spam_folder: String,
    /// A folder whose new messages are learned as ham.
    learn_ham_folder: String,
    /// `true` (the default): what you move yourself is learned. Out of a folder that isbg puts spam into, to anywhere but
    /// the trash, is ham; into the folder for spam is spam. With `mode = "observe"` isbg only says what it would learn.
    learn_from_moves: bool,
    /// For so many minutes a message must have been seen where you put it before it is learned. Default: 60.
    learn_moves_after: u32,
    /// The folder that learned ham is moved to. Default: it stays where it is.
    move_ham_to: String,
    /// The folder that learned spam is moved to. Default: it stays where it is.
    move_spam_to: String,
    /// The scorer: `"native"`, `"spamd"`, `"spamassassin"` or `"rspamd"`. Default: native; with `spamd-user` spamd if one
    /// answers on this machine, else spamassassin.
    engine: Engine,
    /// Rules for the native scorer: a folder with rule files or a rule file, `builtin`, or a list of them. Default: the
    /// built-in rules with SpamAssassin's on this machine and those of its administrator.
    rules: Rules,
    /// A file with preferences for the native scorer, or `"none"`. Default: `"~/.spamassassin/user_prefs"` if it exists.
    prefs: PathBuf,
    /// The model in which the native scorer keeps what it was taught. Accounts that name the same share it. Default:
    /// `"default"`.
    model: ModelName,
    /// `false`: the native scorer uses its rules alone, and learns nothing. Default: `true`.
    classifier: bool,
    /// Senders whose mail is always wanted, if it is authenticated: addresses (`"ann@example.org"`, `"*@example.org"`) or
    /// domains. Only the native scorer asks. Needs `authserv-id`.
    welcome: SenderList,
    /// Senders whose mail never is, authenticated or not. Only the native scorer asks.
    block: SenderList,
    /// How the server that takes your mail in calls itself at the start of the Authentication-Results fields that it adds,
    /// such as `"mx.example.org"`. Only its word tells whether a sender on the welcome list, or one you have written to, is
    /// the one it says. Default: nobody's word counts.
    authserv_id: String,
    /// `true`: the native scorer's network rules ask DNS lists about relays, links and senders, which tells these whom you
    /// hear from; SPF, DKIM and DMARC are checked. Default: `false`.
    network: bool,
    /// DNS servers that network rules ask, such as `["192.0.2.53", "[2001:db8::53]:5353"]`. Default: what the rules name,
    /// else those of this machine.
    dns_servers: DnsServers,
    /// Where spamd listens: `"HOST:PORT"`, or the path of its socket. Default: `"127.0.0.1:783"`.
    spamd: String,
    /// `true` to speak TLS with spamd, which must show a certificate that is trusted. Default: `false`.
    spamd_tls: bool,
    /// The user whose preferences and learning spamd applies. Default: who runs isbg.
    spamd_user: String,
    /// Where rspamd answers. Default: `"http://127.0.0.1:11334"`.
    rspamd: String,
    /// A file with rspamd's password as its only line.
    rspamd_password_file: PathBuf,
    /// A command that prints rspamd's password.
    rspamd_password_command: String,
    /// How many messages are scored at once. Default: the number of processors.
    jobs: AtLeastOne,
}

/// A port number other than 0.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u16")]
pub struct Port(pub u16);

impl TryFrom<u16> for Port {
    type Error = &'static str;

    fn try_from(port: u16) -> Result<Self, Self::Error> {
        if port == 0 {
            Err("port 0 does not exist")
        } else {
            Ok(Self(port))
        }
    }
}

/// A count of at least one.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
pub struct AtLeastOne(pub u64);

impl TryFrom<u64> for AtLeastOne {
    type Error = &'static str;

    fn try_from(count: u64) -> Result<Self, Self::Error> {
        if count == 0 {
            Err("must be at least 1")
        } else {
            Ok(Self(count))
        }
    }
}

/// One fingerprint, or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "OneOrMany")]
pub struct Pins(pub Vec<Pin>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_texts(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

impl TryFrom<OneOrMany> for Pins {
    type Error = NotAPin;

    fn try_from(some: OneOrMany) -> Result<Self, NotAPin> {
        some.into_texts()
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// One path, or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Rules(pub Vec<PathBuf>);

impl From<OneOrMany> for Rules {
    fn from(some: OneOrMany) -> Self {
        Self(some.into_texts().into_iter().map(PathBuf::from).collect())
    }
}

/// A model's name.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct ModelName(pub String);

impl TryFrom<String> for ModelName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        values::model(&text).map(Self)
    }
}

/// One sender, or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "OneOrMany")]
pub struct SenderList(pub Senders);

impl TryFrom<OneOrMany> for SenderList {
    type Error = NotSenders;

    fn try_from(some: OneOrMany) -> Result<Self, NotSenders> {
        Senders::read(some.into_texts().iter().map(String::as_str)).map(Self)
    }
}

/// The address of one DNS server, or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "OneOrMany")]
pub struct DnsServers(pub Vec<SocketAddr>);

impl TryFrom<OneOrMany> for DnsServers {
    type Error = String;

    fn try_from(some: OneOrMany) -> Result<Self, String> {
        let texts = some.into_texts();
        texts
            .iter()
            .map(|text| values::dns_server(text))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// A password in the file. What it is never gets into an error message.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "toml::Value")]
pub struct Literal(pub Secret);

impl TryFrom<toml::Value> for Literal {
    type Error = &'static str;

    fn try_from(value: toml::Value) -> Result<Self, Self::Error> {
        match value {
            toml::Value::String(text) => Ok(Self(Secret::from(text))),
            _ => Err("the password must be a text in quotes"),
        }
    }
}

/// A number of messages, or `"off"`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "NumberOrText")]
pub struct Blast(pub BlastLimit);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number of messages or \"off\"")]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl TryFrom<NumberOrText> for Blast {
    type Error = String;

    fn try_from(limit: NumberOrText) -> Result<Self, String> {
        match limit {
            NumberOrText::Number(number) => number.to_string(),
            NumberOrText::Text(text) => text,
        }
        .parse()
        .map(Self)
    }
}

/// The key `unsure-band` as a band whose ends are in order.
///
/// # Errors
/// When the first score is above the second.
pub fn band(written: Option<(Score, Score)>) -> Result<Option<Band>, String> {
    written.map(|(low, high)| Band::new(low, high)).transpose()
}

/// The key `mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Nothing is changed.
    Observe,
    /// Spam is flagged where it is.
    Flag,
    /// The untouched original is moved.
    Move,
}

/// The key `certain-action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertainAction {
    /// As other spam, to a folder of its own where one is named.
    Move,
    /// Removed without a copy.
    Delete,
}
