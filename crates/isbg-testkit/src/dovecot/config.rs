//! The `dovecot.conf` of a test server. Does not start it.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::Result;

use super::{Settings, Storage};
use crate::Home;
use crate::process::user_and_group;

/// Writes the configuration into `home`; where the main file is.
pub(super) fn write(home: &Home, settings: &Settings, plain: u16, tls: Option<u16>) -> Result<PathBuf> {
    let mut users = String::new();
    for (user, password) in &settings.users {
        // In hexadecimal, since a colon would end the field.
        let password: String = password.bytes().map(|byte| format!("{byte:02x}")).collect();
        writeln!(users, "{user}:{{PLAIN.HEX}}{password}")?;
        home.create_dir(format!("users/{user}/mail"))?;
    }
    home.write("passwd", users)?;
    if let Some(identity) = &settings.tls {
        home.write("certificate.pem", &identity.certificate)?;
        home.write("key.pem", &identity.key)?;
    }
    let parts = [
        base(home, settings)?,
        listeners(plain, tls),
        logins(home, settings),
        mail(home, settings),
        limits(settings),
        settings.extra.clone(),
    ];
    home.write("dovecot.conf", parts.join("\n"))
}

/// Dovecot without privileges: every service as one user, none locked in.
fn base(home: &Home, settings: &Settings) -> Result<String> {
    let (user, group) = user_and_group()?;
    let home = home.path().display();
    let listen = listen(settings);
    let mut text = format!(
        "base_dir = {home}/run
state_dir = {home}/state
log_path = /dev/stderr
protocols = imap
listen = {listen}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
mail_uid = {user}
mail_gid = {group}
shutdown_clients = yes
"
    );
    for service in [
        "anvil",
        "imap-login",
        "imap-urlauth-login",
        "pop3-login",
        "submission-login",
        "stats",
    ] {
        writeln!(text, "service {service} {{\n  chroot =\n}}")?;
    }
    Ok(text)
}

/// The address to listen on. Dovecot takes a connection for secure, and never demands TLS, when both its ends have the same
/// address; 127.0.0.2 is one that clients come to from 127.0.0.1.
pub(super) fn listen(settings: &Settings) -> Ipv4Addr {
    let last = if settings.tls_required { 2 } else { 1 };
    Ipv4Addr::new(127, 0, 0, last)
}

fn listeners(plain: u16, tls: Option<u16>) -> String {
    format!(
        "service imap-login {{
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 200
}}
",
        tls.unwrap_or(0)
    )
}

fn logins(home: &Home, settings: &Settings) -> String {
    let home = home.path().display();
    let ssl = if settings.tls.is_some() {
        format!("ssl = yes\nssl_cert = <{home}/certificate.pem\nssl_key = <{home}/key.pem\n")
    } else {
        "ssl = no\n".to_owned()
    };
    let plaintext = if settings.tls_required { "yes" } else { "no" };
    format!(
        "{ssl}disable_plaintext_auth = {plaintext}
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
mail_max_userip_connections = 200
passdb {{
  driver = passwd-file
  args = username_format=%u {home}/passwd
}}
userdb {{
  driver = static
  args = home={home}/users/%u
}}
",
        mechanisms = settings.mechanisms
    )
}

fn mail(home: &Home, settings: &Settings) -> String {
    let format = match settings.storage {
        Storage::Maildir => "maildir",
        Storage::Sdbox => "sdbox",
        Storage::Mdbox => "mdbox",
    };
    let mut folders = String::new();
    for (name, special_use) in &settings.folders {
        let name = name.strip_prefix(settings.prefix).unwrap_or(name);
        let special_use = special_use.map_or(String::new(), |attribute| {
            format!("    special_use = {attribute}\n")
        });
        folders += &format!("  mailbox \"{name}\" {{\n    auto = subscribe\n{special_use}  }}\n");
    }
    format!(
        "mail_location = {format}:{home}/users/%u/mail:UTF-8
namespace inbox {{
  inbox = yes
  prefix = {prefix}
  separator = {separator}
{folders}}}
",
        home = home.path().display(),
        prefix = settings.prefix,
        separator = settings.separator,
    )
}

fn limits(settings: &Settings) -> String {
    let mut plugins = Vec::new();
    let mut plugin = String::new();
    if let Some(bytes) = settings.quota {
        plugins.push("quota imap_quota");
        plugin += &format!(
            "  quota = count:mail\n  quota_vsizes = yes\n  quota_rule = *:storage={bytes}B\n  quota_grace = 0\n"
        );
    }
    if !settings.read_only.is_empty() {
        plugins.push("acl imap_acl");
        plugin += "  acl = vfile\n";
    }
    if plugins.is_empty() {
        return String::new();
    }
    let general: Vec<&str> = plugins
        .iter()
        .filter_map(|names| names.split(' ').next())
        .collect();
    format!(
        "mail_plugins = {}\nprotocol imap {{\n  mail_plugins = {}\n}}\nplugin {{\n{plugin}}}\n",
        general.join(" "),
        plugins.join(" ")
    )
}
