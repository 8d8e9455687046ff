//! `isbg spamd` as a process: where it listens, that it reads its rules anew, and how it ends.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use common::Home;
use isbg_testkit::Port;

const RULES: &str = "body WORD /casino/\nscore WORD 6\ndescribe WORD A word\n";
const MAIL: &[u8] = b"From: a@example.org\nSubject: x\n\ncasino\n";

struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Running {
    fn start(home: &Home, options: &str) -> Self {
        let isbg = home.isbg();
        let mut command = Command::new(isbg.get_program());
        command
            .env_clear()
            .env("HOME", home.path())
            .current_dir(home.path());
        command.arg("spamd").args(options.split_whitespace());
        command.args(["--rules", "rules.cf", "--prefs", "none"]);
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut running = Self { child, log };
        running.wait_for("server started on");
        running
    }

    /// Reads the log up to a line that says this.
    fn wait_for(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.log.read_line(&mut line).unwrap(),
                0,
                "it ended without saying {text}"
            );
            if line.contains(text) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        // The shell's own: not every machine has a program for it.
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn symbols(mut stream: impl std::io::Read + std::io::Write) -> String {
    let head = format!(
        "SYMBOLS SPAMC/1.2\r\nUser: tester\r\nContent-length: {}\r\n\r\n",
        MAIL.len()
    );
    stream.write_all(&[head.as_bytes(), MAIL].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_judges_reloads_and_ends() {
    let (home, port) = (Home::new(), Port::reserve().unwrap());
    home.write("rules.cf", RULES);
    let mut running = Running::start(
        &home,
        &format!("--listen {} --required-score 5.5", port.address()),
    );
    let ask = || symbols(TcpStream::connect(port.address()).unwrap());
    assert_eq!(
        ask(),
        "SPAMD/1.1 0 EX_OK\r\nSpam: True ; 6.0 / 5.5\r\n\r\nWORD\r\n"
    );
    let line = running.wait_for("identified spam");
    assert!(
        line.contains("(6.0/5.5) for tester in ") && line.contains(" 39 bytes"),
        "{line}"
    );

    home.write("rules.cf", "body OTHER /casino/\nscore OTHER 1\n");
    running.signal("HUP");
    running.wait_for("reloaded");
    assert_eq!(
        ask(),
        "SPAMD/1.1 0 EX_OK\r\nSpam: False ; 1.0 / 5.5\r\n\r\nOTHER\r\n"
    );

    home.write("rules.cf", "");
    running.signal("HUP");
    running.wait_for("the former rules stay in force");
    assert!(ask().contains("OTHER"));

    // A client in the middle of its request still gets its answer.
    let mut slow = TcpStream::connect(port.address()).unwrap();
    slow.write_all(b"CHECK SPAMC/1.5\r\nContent-length: 4\r\n")
        .unwrap();
    assert!(ask().contains("OTHER"));
    running.signal("TERM");
    slow.write_all(b"\r\nabcd").unwrap();
    slow.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("SPAMD/1.1 0 EX_OK"), "{answer}");
    running.wait_for("server ended");
    assert!(running.child.wait().unwrap().success());
}

#[test]
fn a_unix_socket_alone() {
    let home = Home::new();
    home.write("rules.cf", RULES);
    // What an earlier server left behind when it was killed.
    drop(std::os::unix::net::UnixListener::bind(home.path().join("socket")).unwrap());
    let mut running = Running::start(&home, "--socketpath socket --socketmode 600");
    let path = home.path().join("socket");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(symbols(UnixStream::connect(&path).unwrap()).contains("WORD"));
    let second = home.line("spamd --socketpath socket --rules rules.cf --prefs none");
    assert_eq!(second.status, 255, "{second}");
    assert!(second.err.contains("another server is there"), "{second}");
    running.signal("TERM");
    running.wait_for("server ended");
    assert!(!path.exists());
}

#[test]
fn where_it_does_not_listen() {
    let home = Home::new();
    home.write("rules.cf", RULES);
    for (options, status, says) in [
        ("--listen 0.0.0.0:7830", 10, "say which may with --allow-ip"),
        ("--listen [::]:7830", 10, "other machines could connect there"),
        ("--listen /tmp/x", 10, "not a host with a port"),
        ("--allow-ip x", 10, "not an address or a network"),
        ("--socketmode 999 --socketpath s", 10, "must be an octal number"),
        ("--rules missing.cf", 12, "missing.cf"),
    ] {
        let ran = home.line(&format!("spamd --rules rules.cf --prefs none {options}"));
        assert_eq!(ran.status, status, "{options}: {ran}");
        assert!(ran.err.contains(says), "{options}: {ran}");
    }
}
