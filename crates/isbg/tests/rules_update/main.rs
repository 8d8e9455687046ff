//! `isbg rules update` against a channel on loopback: what it installs, what it refuses, and that the rules in force stay
//! so whatever goes wrong.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod refused;

use common::{Home, Ran};
use isbg_testkit::channel::Channel;
use isbg_testkit::dns::Record;
use isbg_testkit::openpgp::Signer;
use serde_json::{Value, json};

const BASE: &str = "updates.spamassassin.org";
const ENGINE: &str = "4.0.1";

/// Mail that the rules of [`rules`] hit.
const MAIL: &str = "From: Ann <ann@example.org>\nSubject: Offer\n\nCheap pills, version by version!\n";

struct Scene {
    home: Home,
    channel: Channel,
}

/// Rules whose only hit says which version they are.
fn rules(version: u64) -> String {
    format!(
        "body VERSION_{version} /cheap pills/i\nscore VERSION_{version} 1\nifplugin Mail::SpamAssassin::Plugin::MIMEHeader\nmeta PLUGIN (1)\nendif\n"
    )
}

impl Scene {
    fn new(name: &str) -> Self {
        let scene = Self {
            home: Home::new(),
            channel: Channel::start(name, ENGINE, Signer::new().unwrap()).unwrap(),
        };
        scene.home.write("mail.eml", MAIL);
        let key = String::from_utf8(scene.channel.signer.public().unwrap()).unwrap();
        scene.home.write("key.asc", &key);
        scene
    }

    /// With version 5 in force.
    fn installed() -> Self {
        let scene = Self::new(BASE);
        scene.publish(5);
        let ran = scene.update(&format!("--channel {BASE} --channel-key key.asc"));
        assert_eq!(ran.status, 0, "{ran}");
        scene
    }

    fn publish(&self, version: u64) {
        self.channel
            .publish(version, &[("10_rules.cf", &rules(version))])
            .unwrap();
    }

    fn arguments(&self, options: &str) -> String {
        format!(
            "rules update --dns-server {} {options}",
            self.channel.dns.address()
        )
    }

    fn update(&self, options: &str) -> Ran {
        self.home.line(&self.arguments(options))
    }

    /// The verdict's record with the rules that are found by themselves.
    fn verdict(&self) -> Value {
        let ran = self
            .home
            .line("check --engine native --prefs none --json mail.eml");
        serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran}"))
    }

    /// Whether the mail is hit by the rules of this version and of no other.
    fn has_in_force(&self, version: u64) -> bool {
        let verdict = self.verdict();
        let name = |rule: &Value| rule["name"].as_str().unwrap_or_default().to_owned();
        let rules: Vec<_> = verdict["rules"].as_array().unwrap().iter().map(name).collect();
        let hits: Vec<_> = rules.iter().filter(|name| name.starts_with("VERSION_")).collect();
        hits == [&format!("VERSION_{version}")]
    }

    /// Publishes what must not be taken as version 6, and looks that it is not. Gives what is said.
    fn refused(&self) -> String {
        self.channel.announce(6);
        let ran = self.update("");
        assert_eq!((ran.status, ran.out.as_str()), (4, ""), "{ran}");
        assert!(self.has_in_force(5), "{ran}");
        ran.err
    }
}

fn record(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran}"))
}

#[test]
fn an_update_is_used_at_once() {
    let scene = Scene::new(BASE);
    scene.publish(5);
    let key = format!("--channel {BASE} --channel-key key.asc");
    let dry = scene.update(&format!("{key} --dryrun"));
    assert_eq!(
        (dry.status, dry.out.as_str()),
        (0, "updates.spamassassin.org: 5 is available\n")
    );
    assert_eq!(scene.update("--list").out, "");

    let ran = scene.update(&key);
    let said = "updates.spamassassin.org: updated to 5 (2 rules)\n";
    assert_eq!((ran.status, ran.err.as_str(), ran.out.as_str()), (0, "", said));
    assert!(scene.has_in_force(5));
    let rule_set = scene.verdict()["rule_set"].clone();
    assert!(
        rule_set.as_str().unwrap().contains("updates.spamassassin.org 5"),
        "{rule_set}"
    );

    // The key is remembered, and nothing is fetched without need.
    let asked = scene.channel.web.asked().len();
    let again = scene.update("");
    assert_eq!(
        (again.status, again.out.as_str()),
        (1, "updates.spamassassin.org: 5 is the newest\n")
    );
    assert_eq!(scene.channel.web.asked().len(), asked);
    scene.publish(6);
    let ran = scene.update("--json");
    assert_eq!(
        record(&ran),
        json!({"channel": BASE, "status": "updated", "version": 6, "previous": 5, "rules": 2, "key": null, "text": null})
    );
    assert!(scene.has_in_force(6));
    let list = record(&scene.update("--list --json"));
    assert_eq!(
        (&list["status"], &list["version"]),
        (&json!("installed"), &json!(6))
    );
    assert_eq!(list["key"], json!(scene.channel.signer.fingerprint().unwrap()));
}

#[test]
fn back_to_the_version_before() {
    let scene = Scene::installed();
    for (channel, said) in [
        ("", "no channel is installed"),
        ("--channel a.example.org", "it is not installed"),
    ] {
        let none = Home::new().line(&format!("rules update --rollback {channel}"));
        assert!(none.status == 4 && none.err.contains(said), "{none}");
    }
    let none = scene.update("--rollback");
    assert_eq!(none.status, 4, "{none}");
    assert!(none.err.contains("no earlier version"), "{none}");
    scene.publish(6);
    assert_eq!(scene.update("").status, 0);
    let back = scene.update("--rollback");
    assert_eq!(
        (back.status, back.out.as_str()),
        (0, "updates.spamassassin.org: back to 5 from 6\n")
    );
    assert!(scene.has_in_force(5));
    let kept = scene.update("");
    let said =
        "updates.spamassassin.org: 5 is the newest; version 6 was taken back and is not installed again\n";
    assert_eq!((kept.status, kept.out.as_str()), (1, said));
    assert_eq!(scene.update("--rollback").status, 0);
    assert!(scene.has_in_force(6));
    assert_eq!(scene.update("--rollback").status, 0);
    scene.publish(7);
    assert_eq!(scene.update("").status, 0);
    assert!(scene.has_in_force(7));
}

#[test]
fn other_channels_with_keys_of_their_own() {
    let scene = Scene::new("kam.example.org");
    // Rules that need no key any more, since they are there.
    let base = format!(".local/share/isbg/rules/{BASE}");
    scene.home.write(&format!("{base}/1/a.cf"), "body BASE /./\n");
    let state = json!({"version": 1, "previous": null, "refused": null, "signed": 0, "key": ""});
    scene.home.write(&format!("{base}/current"), &state.to_string());
    scene.publish(5);
    let keyless = scene.update("--channel kam.example.org");
    assert!(
        keyless.status == 4 && keyless.err.contains("--channel-key"),
        "{keyless}"
    );
    let other = Signer::new().unwrap();
    let key = String::from_utf8(other.public().unwrap()).unwrap();
    scene.home.write("other.asc", &key);
    let wrong = scene.update("--channel kam.example.org --channel-key other.asc");
    assert!(wrong.status == 4 && wrong.err.contains("not trusted"), "{wrong}");

    let fingerprint = scene.channel.signer.fingerprint().unwrap();
    let keys = "--channel-key other.asc --channel-key key.asc";
    let ran = scene.update(&format!(
        "--channel KAM.example.org. {keys} --channel-key {fingerprint}"
    ));
    assert_eq!(
        (ran.status, ran.out.as_str()),
        (0, "kam.example.org: updated to 5 (2 rules)\n"),
        "{ran}"
    );
    assert!(scene.has_in_force(5));
    let rule_set = scene.verdict()["rule_set"].as_str().unwrap().to_owned();
    let named = "updates.spamassassin.org 1, kam.example.org 5";
    assert!(rule_set.contains(named), "{rule_set}");

    // From now on it is updated with SpamAssassin's own, which does not exist here.
    scene.publish(6);
    let ran = scene.update("");
    assert_eq!(
        (ran.status, ran.out.as_str()),
        (3, "kam.example.org: updated from 5 to 6 (2 rules)\n")
    );
    assert!(
        ran.err.contains("no update channel updates.spamassassin.org"),
        "{ran}"
    );
    scene.channel.dns.add(
        &format!("mirrors.{BASE}"),
        Record::Txt("http://127.0.0.1:1/".into()),
    );
    let ran = scene.update("");
    let said = "updates.spamassassin.org: 1 is the newest\nkam.example.org: 6 is the newest\n";
    assert_eq!((ran.status, ran.out.as_str()), (1, said));
}

#[test]
fn wrong_arguments() {
    let home = Home::new();
    home.write("no.asc", "no key\n");
    for (options, said) in [
        ("--channel local", "not the name of an update channel"),
        ("--channel-key a.asc", "--channel"),
        (
            "--channel a.example --channel-key no.asc",
            "no OpenPGP public key",
        ),
        ("--channel a.example --channel-key none.asc", "none.asc"),
        ("--dns-server ns.example.org", "must be an IP address"),
        ("--rollback --dryrun", "cannot be used with"),
    ] {
        let ran = home.line(&format!("rules update --dns-server 127.0.0.1:1 {options}"));
        assert!(
            ran.status == 10 || ran.err.contains("--channel-key"),
            "{options}: {ran}"
        );
        assert!(ran.err.contains(said), "{options}: {ran}");
    }
}
