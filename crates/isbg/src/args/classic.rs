//! The classic form: one mailbox described on the command line, as isbg has always been called. Holds what was typed;
//! does not fill in defaults that need the world.

use std::path::PathBuf;

use clap::Args;

use super::shared::{ConnectionOptions, JudgingOptions, OutputOptions, ScorerOptions, StateOptions};
use super::values;
use crate::secrets::Secret;

/// Every option of the classic form.
#[derive(Debug, Clone, Default, Args)]
pub struct Classic {
    #[command(flatten)]
    pub mailbox: MailboxOptions,
    #[command(flatten)]
    pub password: PasswordOptions,
    #[command(flatten)]
    pub connection: ConnectionOptions,
    #[command(flatten)]
    pub spam: SpamOptions,
    #[command(flatten)]
    pub learning: LearningOptions,
    #[command(flatten)]
    pub judging: JudgingOptions,
    #[command(flatten)]
    pub scorer: ScorerOptions,
    #[command(flatten)]
    pub output: OutputOptions,
    #[command(flatten)]
    pub state: StateOptions,
    #[command(flatten)]
    pub files: FileOptions,
    #[command(flatten)]
    pub gone: GoneOptions,
    /// Print how isbg is called, and stop
    #[arg(long)]
    pub usage: bool,
}

/// Which mailbox.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Mailbox")]
pub struct MailboxOptions {
    /// The IMAP server's name
    #[arg(long, value_name = "HOST")]
    pub imaphost: Option<String>,
    /// The login name
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    pub imapuser: Option<String>,
    /// The server's port [default: 993, or 143 with STARTTLS or without TLS]
    #[arg(long, value_name = "PORT", value_parser = values::port, allow_hyphen_values = true)]
    pub imapport: Option<u16>,
    /// The folder to scan
    #[arg(long, value_name = "FOLDER", default_value = "INBOX")]
    pub imapinbox: String,
    /// The folder for spam [default: the server's junk folder, else INBOX.Spam, Junk or Spam]
    #[arg(long, value_name = "FOLDER")]
    pub spaminbox: Option<String>,
    /// List the folders with their uses and counts, and stop
    #[arg(long)]
    pub imaplist: bool,
    /// "Delete" means move to the trash folder, as Gmail wants it
    #[arg(long)]
    pub gmail: bool,
}

/// Where the password comes from.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Password")]
pub struct PasswordOptions {
    /// The password itself; other users of this machine can see it
    #[arg(
        long,
        value_name = "PASSWORD",
        value_parser = values::secret,
        alias = "imappassword",
        allow_hyphen_values = true
    )]
    pub imappasswd: Option<Secret>,
    /// File that holds the password [default: what --savepw stored]
    #[arg(long, value_name = "FILE", alias = "passwordfilename")]
    pub passwdfilename: Option<PathBuf>,
    /// Command that prints the password
    #[arg(long, value_name = "COMMAND", conflicts_with = "oauth_token_command")]
    pub password_command: Option<String>,
    /// Command that prints an OAuth 2 access token, used instead of a password
    #[arg(long, value_name = "COMMAND")]
    pub oauth_token_command: Option<String>,
    /// Ask for the password and store it for later runs once the server has accepted it
    #[arg(long)]
    pub savepw: bool,
}

/// What happens to spam.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "What happens to spam (without --flag and --delete the inbox stays as it is)")]
pub struct SpamOptions {
    /// Flag spam in the inbox
    #[arg(long)]
    pub flag: bool,
    /// Mark spam in the inbox as deleted
    #[arg(long)]
    pub delete: bool,
    /// Remove the spam that this run marked as deleted, and no other message
    #[arg(long)]
    pub expunge: bool,
    /// Put the untouched original into the spam folder, without the scorer's report
    #[arg(long)]
    pub noreport: bool,
}

/// What is learned from which folders.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Learning")]
pub struct LearningOptions {
    /// Folder whose new messages are learned as spam
    #[arg(long, value_name = "FOLDER")]
    pub learnspambox: Option<String>,
    /// Folder whose new messages are learned as ham
    #[arg(long, value_name = "FOLDER")]
    pub learnhambox: Option<String>,
    /// Move learned ham to this folder
    #[arg(long, value_name = "FOLDER")]
    pub movehamto: Option<String>,
    /// Mark learned messages as deleted; with --gmail, move learned spam to the trash
    #[arg(long)]
    pub learnthendestroy: bool,
    /// Flag learned messages
    #[arg(long)]
    pub learnthenflag: bool,
    /// Learn only messages that are not flagged
    #[arg(long)]
    pub learnunflagged: bool,
    /// Learn only messages that are flagged
    #[arg(long)]
    pub learnflagged: bool,
    /// Learn only, do not scan
    #[arg(long)]
    pub teachonly: bool,
}

/// Files of earlier isbg versions, and the lock.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Files and locks")]
pub struct FileOptions {
    /// Where an earlier isbg kept its track files (the start of their names); read once
    #[arg(long, value_name = "PREFIX")]
    pub trackfile: Option<PathBuf>,
    /// Use this lock file as well as the account's own lock
    #[arg(long, value_name = "FILE")]
    pub lockfilename: Option<PathBuf>,
    /// Ignore a lock file that is older than this many minutes
    #[arg(
        long,
        value_name = "MINUTES",
        value_parser = values::minutes,
        default_value = "240",
        alias = "lockfilegraceminutes",
        allow_hyphen_values = true
    )]
    pub lockfilegrace: f64,
    /// Neither look for the lock file nor write one
    #[arg(long)]
    pub ignorelockfile: bool,
}

/// Options of isbg 0.99 that ran commands or named raw protocol words. They are known so that they can be refused by
/// name.
#[derive(Debug, Clone, Default, Args)]
pub struct GoneOptions {
    #[arg(long, hide = true, value_name = "COMMAND", allow_hyphen_values = true)]
    pub satest: Option<String>,
    #[arg(long, hide = true, value_name = "COMMAND", allow_hyphen_values = true)]
    pub sasave: Option<String>,
    #[arg(long, hide = true, value_name = "COMMAND", allow_hyphen_values = true)]
    pub spamflagscmd: Option<String>,
    #[arg(long, hide = true, value_name = "FLAGS", allow_hyphen_values = true)]
    pub spamflags: Option<String>,
}
