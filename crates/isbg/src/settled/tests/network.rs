//! Whom the native scorer's network rules may ask. Does not ask anybody.

use super::from_file;

#[test]
fn who_asks_the_network() {
    let account = "[account.a]\nhost = \"h\"\nuser = \"u\"\n";
    let asks = |keys: &str, options: &str| {
        let run = from_file(&format!("{account}{keys}"), options).unwrap();
        let network = run.accounts[0].scorer.network.clone();
        network.map(|servers| servers.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let servers = |list: &[&str]| Some(list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    assert_eq!(asks("", ""), None);
    assert_eq!(asks("network = false", ""), None);
    assert_eq!(asks("network = true", ""), servers(&[]));
    assert_eq!(asks("network = true", "--no-network"), None);
    assert_eq!(
        asks("network = true", "--engine spamd"),
        None,
        "the file's word is about the native scorer"
    );
    assert_eq!(asks("", "--network"), servers(&[]));
    assert_eq!(
        asks("dns-servers = \"192.0.2.1\"", ""),
        None,
        "naming a server asks for nothing"
    );
    assert_eq!(
        asks(
            "network = true\ndns-servers = [\"192.0.2.1\", \"[2001:db8::1]:5353\", \"::1\"]",
            ""
        ),
        servers(&["192.0.2.1:53", "[2001:db8::1]:5353", "[::1]:53"])
    );
    assert_eq!(
        asks(
            "network = true\ndns-servers = \"192.0.2.1\"",
            "--dns-server 192.0.2.2:54"
        ),
        servers(&["192.0.2.2:54"])
    );
    let why = from_file(&format!("{account}dns-servers = \"dns.example\""), "").unwrap_err();
    assert!(why.to_string().contains("must be an IP address"), "{why}");
}
