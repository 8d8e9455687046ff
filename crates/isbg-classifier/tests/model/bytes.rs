//! The model as bytes, its size, its reasons, and enormous mail. Knows nothing of corrections.

use isbg_classifier::{Lesson, LoadError, MODEL_LIMIT, Model, View};
use isbg_types::Class;
use proptest::prelude::*;

use crate::mails::*;

#[test]
fn same_lessons_same_bytes() {
    assert_eq!(taught(400).to_bytes(), taught(400).to_bytes());
    let mut other = Model::new([8; 16]);
    other.learn(&mail(Class::Spam, 0), Class::Spam);
    let mut one = Model::new([7; 16]);
    one.learn(&mail(Class::Spam, 0), Class::Spam);
    assert_ne!(one.to_bytes(), other.to_bytes());
}

#[test]
fn bytes_come_back_as_the_same_model() {
    for messages in [0, 1, 700] {
        let model = taught(messages);
        let bytes = model.to_bytes();
        let mut back = Model::from_bytes(&bytes).unwrap();
        assert_eq!(back, model);
        assert_eq!(back.to_bytes(), bytes);
        let mut model = model;
        for number in 9000..9020 {
            model.learn(&mail(Class::Ham, number), Class::Ham);
            back.learn(&mail(Class::Ham, number), Class::Ham);
        }
        assert_eq!(back.to_bytes(), model.to_bytes());
    }
}

#[test]
fn damaged_and_newer_models_are_refused() {
    let bytes = taught(30).to_bytes();
    for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        let error = Model::from_bytes(&bytes[..length]).unwrap_err();
        assert!(
            matches!(error, LoadError::Length { .. } | LoadError::NotAModel),
            "{error}"
        );
    }
    for at in (16..bytes.len()).step_by(101) {
        let mut bad = bytes.clone();
        bad[at] ^= 4;
        assert_eq!(Model::from_bytes(&bad), Err(LoadError::Damaged));
    }
    let mut newer = bytes.clone();
    newer[8] = 2;
    assert_eq!(
        Model::from_bytes(&newer),
        Err(LoadError::Newer { found: 2, known: 1 })
    );
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(matches!(
        Model::from_bytes(&longer),
        Err(LoadError::Length { .. })
    ));
    assert_eq!(Model::from_bytes(b"SQLite format 3"), Err(LoadError::NotAModel));
}

/// Noise in letters: no two 4-grams alike, as many header fields, words and links as can be.
fn greedy(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut noise = |length: usize| -> String {
        (0..length)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                char::from(b'a' + (state % 26) as u8)
            })
            .collect()
    };
    let mut text = String::new();
    for _ in 0..300 {
        text.push_str(&format!("{}: {} {} {}\n", noise(7), noise(9), noise(5), noise(3)));
    }
    text.push_str(&format!("Subject: {}\n\n", noise(300)));
    for _ in 0..3000 {
        text.push_str(&noise(4));
        text.push(' ');
    }
    text.into_bytes()
}

#[test]
fn the_greediest_mail_keeps_the_model_small() {
    let mut model = Model::new([7; 16]);
    for number in 0..1400 {
        let class = if number % 2 == 0 { Class::Spam } else { Class::Ham };
        model.learn(&greedy(number), class);
    }
    // The ledger of the learnt, which this does not fill, takes at most 540,224 bytes.
    let length = model.to_bytes().len();
    assert!(length > 3_000_000, "the mail is not greedy: {length}");
    assert!(length + 540_224 < MODEL_LIMIT, "{length}");
}

#[test]
fn explains_itself() {
    let model = taught(300);
    let explanation = model.explain(&mail(Class::Spam, 12_000));
    assert!(explanation.judgement.is_spam());
    let part = |view: View| explanation.views.iter().find(|part| part.view == view).unwrap();
    let sum: f64 = explanation.views.iter().map(|part| part.score).sum();
    assert!((sum - explanation.judgement.score).abs() < 1e-3);
    let fields = part(View::Fields);
    assert!(
        fields
            .reasons
            .iter()
            .any(|reason| reason.text.contains("bulk.example") && reason.score > 0.0)
    );
    let words = part(View::Words);
    assert!(words.reasons.iter().all(|reason| reason.score > 0.0));
    assert!(
        words
            .reasons
            .iter()
            .any(|reason| SPAM_WORDS.contains(&reason.text.as_str()))
    );
    assert!(
        part(View::Text)
            .reasons
            .iter()
            .any(|reason| reason.text.contains(' '))
    );
    assert!(
        part(View::Header)
            .reasons
            .iter()
            .any(|reason| reason.text.contains("bulk.example"))
    );
}

#[test]
fn enormous_and_empty_mail() {
    let mut model = taught(20);
    let mut huge = mail(Class::Spam, 1);
    huge.extend(b"<a href='http://x.example/'>".repeat(2_000_000));
    assert!(huge.len() > 50_000_000);
    assert_eq!(model.learn(&huge, Class::Spam), Lesson::Learned);
    assert_eq!(model.learn(&huge, Class::Spam), Lesson::AlreadyKnown);
    for raw in [&b""[..], b"\n", b"\0\0\0", b"From ", &[0xff; 5000]] {
        model.learn(raw, Class::Ham);
        assert!(model.score(raw).probability.is_finite());
        model.explain(raw);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_bytes(raw in prop::collection::vec(any::<u8>(), 0..3000), spam in any::<bool>()) {
        let mut model = Model::new([1; 16]);
        let class = if spam { Class::Spam } else { Class::Ham };
        model.learn(&raw, class);
        prop_assert!(model.score(&raw).probability.is_finite());
        model.explain(&raw);
        prop_assert_eq!(model.unlearn(&raw), Some(class));
        prop_assert_eq!(model.labels(class), 0);
    }

    #[test]
    fn whatever_the_structure(pieces in prop::collection::vec(prop_oneof![
        Just("Content-Type: multipart/mixed; boundary=\"b\"\n".to_owned()),
        Just("Content-Type: text/html; charset=utf-16\n".to_owned()),
        Just("Content-Type: message/rfc822\n".to_owned()),
        Just("Content-Transfer-Encoding: base64\n".to_owned()),
        Just("Content-Transfer-Encoding: quoted-printable\n".to_owned()),
        Just("Subject: =?utf-8?B?w6k=?= =?iso-2022-jp?Q?=1B?=\n".to_owned()),
        Just("Received: from é ([1.2.3.4]) by x; y\n".to_owned()),
        Just("From: \"ü@x\" <a@b@c>, <>\n".to_owned()),
        Just("\n".to_owned()),
        Just("--b\n".to_owned()),
        Just("--b--\n".to_owned()),
        Just("<div style=\"display:none\"><a href=\"http://ü@[::1]:9é/ü.ü?\">&#xd800;".to_owned()),
        Just("ünï http://é".to_owned()),
        "\\PC{0,20}",
    ], 0..40)) {
        let raw = pieces.concat();
        let model = Model::new([1; 16]);
        prop_assert!(model.score(raw.as_bytes()).probability.is_finite());
        model.explain(raw.as_bytes());
    }

    #[test]
    fn whatever_the_model(mut bytes in prop::collection::vec(any::<u8>(), 0..400), keep in 0usize..16) {
        let good = Model::new([1; 16]).to_bytes();
        let keep = keep.min(bytes.len());
        bytes[..keep].copy_from_slice(&good[..keep]);
        prop_assert!(Model::from_bytes(&bytes).is_err());
    }
}
