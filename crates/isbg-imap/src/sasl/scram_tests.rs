//! SCRAM against RFC 7677's example, an exchange computed by another program, and hostile servers.

use super::super::ChannelBindingKind;
use super::*;

const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &str =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const SERVER_FINAL: &[u8] = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

/// As computed from RFC 5802's formulas by another program.
const PLUS_FINAL: &[u8] = b"c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,r=abcdef,\
    p=PIBqORHdsZUqMFFNl24D/Ud9TJG66XRbQJHMIAIA9pU=";
const PLUS_SERVER_FINAL: &[u8] = b"v=EMmrHK/5xW7kEnbP8Rx9M9CrUUJ0nLPbCwZz9IcxVGM=";

fn binding() -> ChannelBinding {
    ChannelBinding {
        kind: ChannelBindingKind::TlsExporter,
        data: (0..32).collect(),
    }
}

fn scram(mechanism: Mechanism, user: &str, password: &str, nonce: &str) -> Scram {
    let password = Secret::from(password.to_owned());
    let binding = binding();
    let binding = (mechanism == Mechanism::ScramSha256Plus).then_some(&binding);
    Scram::with_nonce(mechanism, user, &password, binding, true, nonce.to_owned()).unwrap()
}

fn pencil() -> Scram {
    scram(Mechanism::ScramSha256, "user", "pencil", NONCE)
}

#[test]
fn the_example_of_rfc_7677() {
    let mut scram = pencil();
    assert_eq!(scram.client_first().expose(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    assert_eq!(
        scram.step(SERVER_FIRST.as_bytes()).unwrap().expose(),
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
          p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    assert!(!scram.verified());
    assert_eq!(scram.step(SERVER_FINAL).unwrap().expose(), b"");
    assert!(scram.verified());
}

#[test]
fn plus_with_escapes_and_saslprep() {
    let mut scram = scram(Mechanism::ScramSha256Plus, "m,=x", "I\u{ad}X", "abc");
    assert_eq!(scram.client_first().expose(), b"p=tls-exporter,,n=m=2C=3Dx,r=abc");
    assert_eq!(
        scram
            .step(b"r=abcdef,s=c2FsdHNhbHRzYWx0,i=5000")
            .unwrap()
            .expose(),
        PLUS_FINAL
    );
    scram.step(PLUS_SERVER_FINAL).unwrap();
    assert!(scram.verified());
}

#[test]
fn the_gs2_flag_shows_a_stripped_offer() {
    let first = |binding: Option<&ChannelBinding>, offered| {
        let password = Secret::from("x".to_owned());
        let scram = Scram::with_nonce(
            Mechanism::ScramSha256,
            "u",
            &password,
            binding,
            offered,
            "n".into(),
        )
        .unwrap();
        scram.client_first().expose()[..1].to_vec()
    };
    assert_eq!(first(None, false), b"n");
    assert_eq!(first(None, true), b"n");
    assert_eq!(first(Some(&binding()), false), b"y");
    assert_eq!(first(Some(&binding()), true), b"n");
}

#[test]
fn two_exchanges_have_different_nonces() {
    let first = || {
        let password = Secret::from("x".to_owned());
        let scram = Scram::new(Mechanism::ScramSha256, "u", &password, None, false).unwrap();
        scram.client_first().expose().to_vec()
    };
    assert_ne!(first(), first());
}

#[test]
fn hostile_first_answers() {
    for (answer, error) in [
        ("", Error::Malformed("the nonce is missing")),
        (
            "m=ext,r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=4096",
            Error::Malformed("the nonce is missing"),
        ),
        ("r=rOprNGfwEbeRWgbNEkqOx", Error::Malformed("the salt is missing")),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==",
            Error::Malformed("the iteration count is missing"),
        ),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,i=4096,s=QQ==",
            Error::Malformed("the salt is missing"),
        ),
        (
            "r=rOprNGfwEbeRWgbNEkqO\u{e9},s=QQ==,i=4096",
            Error::Malformed("the nonce is not printable"),
        ),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=!,i=4096",
            Error::Malformed("the salt is not base64"),
        ),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
            Error::Malformed("the salt has no sensible length"),
        ),
        ("r=rOprNGfwEbeRWgbNEkqO,s=QQ==,i=4096", Error::Nonce),
        ("r=somebodyelse,s=QQ==,i=4096", Error::Nonce),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=",
            Error::Malformed("the iteration count is not a number"),
        ),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=+5000",
            Error::Malformed("the iteration count is not a number"),
        ),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=-1",
            Error::Malformed("the iteration count is not a number"),
        ),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=1", Error::Iterations(1)),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=2147483648",
            Error::Iterations(2_147_483_648),
        ),
        (
            "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=99999999999999999999999",
            Error::Iterations(u64::MAX),
        ),
        ("e=unknown-user", Error::Refused("unknown-user".into())),
        ("e=channel-bindings-dont-match", Error::BindingMismatch),
        ("e=unsupported-channel-binding-type", Error::BindingUnsupported),
    ] {
        let mut scram = pencil();
        assert_eq!(scram.step(answer.as_bytes()).unwrap_err(), error, "{answer}");
        assert!(
            matches!(scram.step(SERVER_FIRST.as_bytes()), Err(Error::OneTooMany(_))),
            "{answer}"
        );
        assert!(!scram.verified());
    }
    let long_salt = format!("r={NONCE}x,s={},i=4096", BASE64.encode([0; MAX_SALT + 1]));
    assert!(matches!(
        pencil().step(long_salt.as_bytes()),
        Err(Error::Malformed(_))
    ));
    assert!(matches!(pencil().step(b"r=\xff"), Err(Error::Malformed(_))));
}

#[test]
fn a_server_that_does_not_know_the_password_is_not_believed() {
    for (answer, error) in [
        (
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=",
            Error::Malformed("the server's signature is not base64"),
        ),
        (
            "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            Error::ServerSignature,
        ),
        ("v=", Error::ServerSignature),
        ("v=6rri", Error::ServerSignature),
        ("", Error::Malformed("the server's signature is missing")),
        ("e=invalid-proof", Error::Refused("invalid-proof".into())),
    ] {
        let mut scram = pencil();
        scram.step(SERVER_FIRST.as_bytes()).unwrap();
        assert_eq!(scram.step(answer.as_bytes()).unwrap_err(), error, "{answer}");
        assert!(!scram.verified());
        assert!(scram.step(SERVER_FINAL).is_err(), "no second chance");
    }
}

#[test]
fn only_a_missing_ability_leads_to_the_next_mechanism() {
    assert!(Error::BindingUnsupported.try_next());
    for error in [
        Error::BindingMismatch,
        Error::ServerSignature,
        Error::Nonce,
        Error::Iterations(1),
        Error::Refused("invalid-proof".into()),
        Error::Unfinished(Mechanism::ScramSha256),
    ] {
        assert!(!error.try_next(), "{error}");
    }
}

#[test]
fn forbidden_text_is_left_as_it_is() {
    assert_eq!(prepared("IX\u{aa}"), "IXa");
    assert_eq!(prepared("p\u{7}"), "p\u{7}");
    assert_eq!(prepared("🔑"), "🔑");
    assert_eq!(prepared("\u{ad}"), "\u{ad}");
}
