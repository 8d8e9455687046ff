//! `isbg unwrap` does isbg_sa_unwrap's job.

mod common;

use common::Home;

const ORIGINAL: &str = "From: a@example.org\r\nSubject: Pills\r\n\r\nBuy\r\n";

fn report() -> String {
    format!(
        "From: a@example.org\r\nSubject: [SPAM] Pills\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nReport\r\n\
         --b\r\nContent-Type: message/rfc822; x-spam-type=original\r\n\r\n{ORIGINAL}\r\n--b--\r\n"
    )
}

#[test]
fn from_standard_input_and_from_files() {
    let home = Home::new();
    let output = home.isbg().arg("unwrap").write_stdin(report()).output().unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), ORIGINAL.as_bytes())
    );
    home.write("report", &report());
    let ran = home.line("unwrap --from report --to original");
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    assert_eq!(
        std::fs::read_to_string(home.path().join("original")).unwrap(),
        ORIGINAL
    );
}

#[test]
fn what_is_no_report() {
    let home = Home::new();
    home.write("mail", ORIGINAL);
    let ran = home.line("unwrap -f mail -t out");
    assert_eq!(
        ran.to_string(),
        "status 0\nisbg: the message is not a SpamAssassin report; there is nothing to unwrap\n"
    );
    assert!(!home.path().join("out").exists());
}
