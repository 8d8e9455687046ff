//! The check as a whole, over a table of records.

use isbg_types::dns::{Answer, Answers};

use super::*;

/// Answers everything that is wanted from a table of `name TYPE value` lines until nothing is; what is not in the table
/// does not exist, `SILENT` never answers.
fn check(table: &[(&str, Data)], silent: &[&str], identity: &str, ip: &str) -> (Spf, usize) {
    let request = SpfRequest {
        ip: ip.parse().unwrap(),
        helo: "relay.example".into(),
        identity: identity.into(),
    };
    let mut answers = Answers::new();
    loop {
        let mut inquiry = Inquiry::new(&answers);
        let found = spf(&request, &mut inquiry);
        let wanted = inquiry.wanted;
        if let Some(found) = found {
            return (found, answers.len());
        }
        assert!(!wanted.is_empty(), "it waits for nothing");
        for question in wanted {
            let kind = |record: &Data| match record {
                Data::A(_) => Kind::A,
                Data::Aaaa(_) => Kind::Aaaa,
                Data::Mx { .. } => Kind::Mx,
                Data::Name(_) => Kind::Ptr,
                Data::Txt(_) => Kind::Txt,
            };
            let of_name = || table.iter().filter(|(name, _)| *name == question.name());
            let reply = Reply {
                exists: of_name().next().is_some(),
                records: of_name()
                    .filter(|(_, record)| kind(record) == question.kind())
                    .map(|(_, record)| record.clone())
                    .collect(),
            };
            let answer = match silent.contains(&question.name()) {
                true => Answer::Silence,
                false => Answer::Reply(reply),
            };
            answers.insert(question, answer);
        }
    }
}

fn txt(text: &str) -> Data {
    Data::Txt(text.into())
}

fn a(text: &str) -> Data {
    Data::A(text.parse().unwrap())
}

fn mx(exchange: &str) -> Data {
    Data::Mx {
        preference: 10,
        exchange: exchange.into(),
    }
}

fn result(record: &str, ip: &str) -> Spf {
    let table = [
        ("a.example", txt(record)),
        ("a.example", a("192.0.2.1")),
        ("a.example", Data::Aaaa("2001:db8::1".parse().unwrap())),
        ("a.example", mx("m.a.example")),
        ("m.a.example", a("192.0.2.2")),
        ("good.example", txt("v=spf1 ip4:192.0.2.3 -all")),
        ("broken.example", txt("v=spf1 what")),
        ("two.example", txt("v=spf1 a")),
        ("two.example", txt("v=spf1 mx")),
        ("loop.example", txt("v=spf1 include:loop.example -all")),
        ("4.2.0.192.in-addr.arpa", Data::Name("Host.A.Example".into())),
        ("4.2.0.192.in-addr.arpa", Data::Name("other.example".into())),
        ("host.a.example", a("192.0.2.4")),
        ("5.2.0.192.in-addr.arpa", Data::Name("host.a.example".into())),
        ("me.list.example", a("127.0.0.2")),
    ];
    check(&table, &["dead.example"], "me@a.example", ip).0
}

#[test]
fn mechanisms() {
    for (record, ip, wanted) in [
        ("v=spf1 a -all", "192.0.2.1", Spf::Pass),
        ("v=spf1 a -all", "192.0.2.9", Spf::Fail),
        ("v=spf1 a/24 -all", "192.0.2.9", Spf::Pass),
        ("v=spf1 a ~all", "2001:db8::1", Spf::Pass),
        ("v=spf1 a//120 ~all", "2001:db8::2", Spf::Pass),
        ("v=spf1 a ~all", "2001:db8::2", Spf::SoftFail),
        ("v=spf1 a ~all", "::ffff:192.0.2.1", Spf::Pass),
        ("v=spf1 mx -all", "192.0.2.2", Spf::Pass),
        ("v=spf1 ?ip4:192.0.2.0/28 -all", "192.0.2.15", Spf::Neutral),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8:1::", Spf::Pass),
        ("v=spf1 ip4:0.0.0.0/0", "2001:db8:1::", Spf::Neutral),
        ("v=spf1 include:good.example -all", "192.0.2.3", Spf::Pass),
        ("v=spf1 include:good.example ~all", "192.0.2.4", Spf::SoftFail),
        ("v=spf1 redirect=good.example", "192.0.2.4", Spf::Fail),
        ("v=spf1 a redirect=good.example", "192.0.2.1", Spf::Pass),
        ("v=spf1 ptr -all", "192.0.2.4", Spf::Pass),
        ("v=spf1 ptr -all", "192.0.2.5", Spf::Fail),
        ("v=spf1 exists:%{l}.list.example -all", "192.0.2.9", Spf::Pass),
        ("v=spf1 exists:%{o}.list.example -all", "192.0.2.9", Spf::Fail),
        ("v=spf1", "192.0.2.1", Spf::Neutral),
        ("something else", "192.0.2.1", Spf::None),
    ] {
        assert_eq!(result(record, ip), wanted, "{record} {ip}");
    }
}

#[test]
fn what_makes_no_sense_is_an_error() {
    for record in [
        "v=spf1 what -all",
        "v=spf1 include:broken.example -all",
        "v=spf1 include:nobody.example -all",
        "v=spf1 include:two.example -all",
        "v=spf1 include:loop.example -all",
        "v=spf1 redirect=nobody.example",
        "v=spf1 redirect=a.example",
        "v=spf1 a:x.example a:y.example a:z.example -all",
    ] {
        assert_eq!(result(record, "192.0.2.200"), Spf::PermError, "{record}");
    }
}

#[test]
fn silence_is_a_temporary_error_only_where_it_matters() {
    assert_eq!(result("v=spf1 a:dead.example -all", "192.0.2.1"), Spf::TempError);
    assert_eq!(
        result("v=spf1 ip4:192.0.2.1 a:dead.example -all", "192.0.2.1"),
        Spf::Pass
    );
    assert_eq!(
        result("v=spf1 include:dead.example -all", "192.0.2.1"),
        Spf::TempError
    );
}

#[test]
fn a_name_in_helo_and_one_that_cannot_be_asked() {
    let table = [("helo.example", txt("v=spf1 exists:%{l}.x.example -all"))];
    assert_eq!(check(&table, &[], "helo.example", "192.0.2.1").0, Spf::Fail);
    for nonsense in ["", "localhost", "a b.example", "@", "a@..", "x@ä.example"] {
        assert_eq!(check(&[], &[], nonsense, "192.0.2.1").0, Spf::None, "{nonsense}");
    }
}

#[test]
fn questions_stay_few_whatever_the_record_says() {
    let many: String = (0..100).map(|n| format!(" mx:m{n}.example")).collect();
    let mut table = vec![("a.example", txt(&format!("v=spf1{many} -all")))];
    let names: Vec<String> = (0..100).map(|n| format!("m{n}.example")).collect();
    for name in &names {
        table.extend((0..10).map(|_| (name.as_str(), mx("x.example"))));
    }
    table.push(("x.example", a("192.0.2.77")));
    let (found, asked) = check(&table, &[], "me@a.example", "192.0.2.1");
    assert_eq!(found, Spf::PermError);
    assert!(asked <= 2 + MOST_LOOKUPS, "{asked}");
}

proptest::proptest! {
    #[test]
    fn no_record_is_too_strange(record in "( ?[-+~?]?(a|mx|ptr|ip4|ip6|all|exists|include|redirect=)?[:/%{}a-z0-9.=]{0,12}){0,6}") {
        let table = [("a.example", txt(&format!("v=spf1 {record}")))];
        let (_, asked) = check(&table, &[], "me@a.example", "192.0.2.1");
        proptest::prop_assert!(asked <= 2 * MOST_LOOKUPS, "{asked}");
    }
}
