//! `--network`: who is asked, and that nobody is without it. Does not know what the rules make of the answers.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

mod common;

use common::{Home, Ran};
use isbg_testkit::dns::{Dns, Record};

const RULES: &str = "\
loadplugin Mail::SpamAssassin::Plugin::DNSEval
loadplugin Mail::SpamAssassin::Plugin::DKIM
loadplugin Mail::SpamAssassin::Plugin::SPF
trusted_networks 192.0.2.1
header LISTED eval:check_rbl('list', 'bl.example.')
score LISTED 0 6.5 0 6.5
header SENT_BY_SENDER eval:check_for_spf_pass()
header IS_SIGNED eval:check_dkim_signed()
score IS_SIGNED 0.5
body WORD /word/
score WORD 1 2 1 2
";

const MAIL: &str = "Received: from a.example (a.example [203.0.113.7])\r\n\tby mx.ours.example (Postfix) with ESMTP id 4C1\r\n\t\
    for <me@ours.example>; Mon, 02 Nov 2026 10:00:02 +0000\r\nFrom: a@a.example\r\nSubject: A letter\r\n\
    DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; h=from; bh=x; b=x\r\n\r\nA word.\r\n";

struct Scene {
    home: Home,
    dns: Dns,
}

impl Scene {
    /// Rules that name our server: whoever asks at all asks it.
    fn new() -> Self {
        let home = Home::new();
        let listed = Record::A([127, 0, 0, 2].into());
        let dns = Dns::start(&[("7.113.0.203.bl.example", listed)]).unwrap();
        home.write("rules.cf", &format!("{RULES}dns_server {}\n", dns.address()));
        home.write("mail", MAIL);
        Self { home, dns }
    }

    fn check(&self, options: &str) -> Ran {
        self.home.line(&format!(
            "check --rules rules.cf --no-classifier --verbose {options} mail"
        ))
    }
}

#[test]
fn nobody_is_asked_by_default() {
    let scene = Scene::new();
    for options in ["", "--no-network", "--dns-server 127.0.0.1:1"] {
        let ran = scene.check(options);
        assert_eq!(ran.status, 0, "{}", ran.err);
        assert!(
            ran.out.contains("WORD") && !ran.out.contains("LISTED"),
            "{}",
            ran.out
        );
    }
    assert_eq!(scene.dns.asked(), [""; 0]);
}

#[test]
fn who_asks_for_it_has_network_rules_and_their_scores() {
    let scene = Scene::new();
    let ran = scene.check("--network");
    assert_eq!(ran.status, 1, "{}", ran.err);
    assert!(
        ran.out.contains("LISTED") && ran.out.contains("IS_SIGNED"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("9.0"),
        "6.5 and 0.5 and the second score of WORD: {}",
        ran.out
    );
    assert!(scene.dns.asked().contains(&"7.113.0.203.bl.example A".to_owned()));
}

#[test]
fn the_server_on_the_command_line_wins() {
    let scene = Scene::new();
    let other = Dns::start(&[]).unwrap();
    let ran = scene.check(&format!("--network --dns-server {}", other.address()));
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(scene.dns.asked(), [""; 0]);
    assert!(!other.asked().is_empty());
}

#[test]
fn what_was_not_answered_is_named() {
    let scene = Scene::new();
    scene.dns.fail("7.113.0.203.bl.example", 2);
    let ran = scene.check("--network");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(
        ran.err.contains("LISTED (1); whether they hit is not known"),
        "{}",
        ran.err
    );
}
