//! The model as its users see it, on mail written for these tests.

use isbg_classifier::{Lesson, LoadError, MODEL_LIMIT, Model, View};
use isbg_types::Class;
use proptest::prelude::*;

const HAM_WORDS: &[&str] = &[
    "meeting", "tomorrow", "report", "garden", "train", "minutes", "lecture", "kitchen", "review", "patch",
    "kernel", "holiday", "library", "concert", "dinner", "school", "draft", "budget", "window", "bicycle",
];
const SPAM_WORDS: &[&str] = &[
    "winner",
    "lottery",
    "prize",
    "pills",
    "cheap",
    "casino",
    "bonus",
    "claim",
    "urgent",
    "transfer",
    "million",
    "account",
    "suspended",
    "verify",
    "miracle",
    "weight",
    "crypto",
    "profit",
    "guarantee",
    "limited",
];

/// A message of the class; `number` decides its words.
fn mail(class: Class, number: u64) -> Vec<u8> {
    let words = if class == Class::Spam {
        SPAM_WORDS
    } else {
        HAM_WORDS
    };
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let host = if class == Class::Spam {
        "bulk.example"
    } else {
        "friends.example"
    };
    let mut text = format!(
        "Received: from mx{}.{host} ([192.0.2.{}]) by mail.home.example with ESMTP id {number:08x}; Mon, 2 Mar 2026 10:00:00 +0100\r\n\
         From: Sender {} <user{}@{host}>\r\nTo: me@home.example\r\nSubject: {} {}\r\nMessage-ID: <{number}.{}@{host}>\r\n\
         Date: Mon, 2 Mar 2026 10:00:00 +0100\r\n\r\n",
        draw(5),
        draw(250),
        draw(9),
        draw(30),
        words[draw(20)],
        words[draw(20)],
        draw(99_999),
    );
    for _ in 0..60 {
        text.push_str(words[draw(20)]);
        text.push(' ');
    }
    text.into_bytes()
}

fn taught(messages: u64) -> Model {
    let mut model = Model::new([7; 16]);
    for number in 0..messages {
        let class = if number % 3 == 0 { Class::Spam } else { Class::Ham };
        assert_eq!(model.learn(&mail(class, number), class), Lesson::Learned);
    }
    model
}

#[test]
fn learns_and_tells_apart() {
    let model = taught(270);
    for number in 1000..1100 {
        let spam = model.score(&mail(Class::Spam, number));
        let ham = model.score(&mail(Class::Ham, number));
        assert!(spam.probability > 0.95 && spam.is_spam(), "{spam:?}");
        assert!(ham.probability < 0.05 && !ham.is_spam(), "{ham:?}");
        assert!(spam.points() > 2.0 && ham.points() < -2.0);
        // 180 ham are too few to decide alone.
        assert!(spam.points() <= 3.5);
    }
    let empty = Model::new([7; 16]).score(&mail(Class::Spam, 1));
    assert_eq!(empty.points(), 0.0);
    assert!(!empty.is_spam() && empty.is_uncertain());
}

#[test]
fn learning_twice_changes_nothing() {
    let mut model = taught(50);
    let before = model.to_bytes();
    let spam = mail(Class::Spam, 3);
    assert_eq!(model.learn(&spam, Class::Spam), Lesson::AlreadyKnown);
    let marked = [b"X-Spam-Flag: YES\r\nStatus: RO\r\n", spam.as_slice()].concat();
    assert_eq!(model.learn(&marked, Class::Spam), Lesson::AlreadyKnown);
    assert_eq!(model.to_bytes(), before);
}

/// The largest change of a logit between two models, over mail of both classes.
fn distance(one: &Model, other: &Model) -> f64 {
    (5000..5050)
        .flat_map(|number| [mail(Class::Spam, number), mail(Class::Ham, number)])
        .map(|raw| (one.score(&raw).logit - other.score(&raw).logit).abs())
        .fold(0.0, f64::max)
}

#[test]
fn unlearning_the_last_lesson_leaves_the_model_as_it_was() {
    // Few messages, where every lesson changes much; and many, where each pushes another out.
    for messages in [3, 10, 40, 1500] {
        let before = taught(messages);
        for class in [Class::Ham, Class::Spam] {
            let mut model = before.clone();
            let odd = mail(
                if class == Class::Ham {
                    Class::Spam
                } else {
                    Class::Ham
                },
                777_777,
            );
            model.learn(&odd, class);
            assert!(
                distance(&before, &model) > 1e-3,
                "the lesson must teach something"
            );
            assert_eq!(model.unlearn(&odd), Some(class));
            assert!(
                distance(&before, &model) < 1e-5,
                "{messages} {}",
                distance(&before, &model)
            );
            assert_eq!(model.labels(class), before.labels(class));
            assert_eq!(model.unlearn(&odd), None);
        }
    }
}

#[test]
fn a_message_no_longer_stored_is_unlearnt_from_its_bytes() {
    let mut model = Model::new([7; 16]);
    let odd = mail(Class::Spam, 42);
    model.learn(&odd, Class::Ham);
    for number in 0..3000 {
        let class = if number % 2 == 0 { Class::Spam } else { Class::Ham };
        model.learn(&mail(class, 10_000 + number), class);
    }
    let before = model.score(&odd).score;
    assert_eq!(model.unlearn(&odd), Some(Class::Ham));
    assert!(model.score(&odd).score > before + 0.1);
}

#[test]
fn a_correction_takes_the_error_back() {
    let base = taught(60);
    let raw = mail(Class::Spam, 900);
    let mut straight = base.clone();
    straight.learn(&raw, Class::Spam);
    let mut wavering = base.clone();
    assert_eq!(wavering.learn(&raw, Class::Ham), Lesson::Learned);
    assert_eq!(wavering.learn(&raw, Class::Spam), Lesson::Corrected);
    assert_eq!(wavering.labels(Class::Spam), straight.labels(Class::Spam));
    assert_eq!(wavering.labels(Class::Ham), straight.labels(Class::Ham));
    assert!(wavering.score(&raw).score > 2.0);
}

#[test]
fn three_corrections_change_the_verdict_on_their_like() {
    let mut model = taught(300);
    let newsletter = |number: u64| {
        let text = String::from_utf8(mail(Class::Spam, number)).unwrap();
        let text = text.replace("bulk.example", "wanted-shop.example");
        format!("List-Id: <offers.wanted-shop.example>\r\n{text} newsletter of the wanted shop, order, unsubscribe here").into_bytes()
    };
    assert!(model.score(&newsletter(1)).is_spam());
    for number in 2..5 {
        model.learn(&newsletter(number), Class::Ham);
    }
    assert!(!model.score(&newsletter(6)).is_spam());
    assert!(model.score(&mail(Class::Spam, 12_345)).is_spam());
}

#[test]
fn a_label_against_all_that_is_known_counts_little_until_confirmed() {
    let mut model = taught(600);
    // Among many messages, one that looks as much like spam as can be.
    let score = |model: &Model, number: u64| model.score(&mail(Class::Spam, number)).score;
    let surest = (20_000..20_400)
        .max_by(|a, b| score(&model, *a).total_cmp(&score(&model, *b)))
        .unwrap();
    let before = score(&model, surest);
    assert!(before > 4.0, "{before}");
    model.learn(&mail(Class::Spam, surest), Class::Ham);
    let doubted = score(&model, surest);
    assert!(doubted > before - 0.8 && doubted < before, "{before} {doubted}");
    let copy = [mail(Class::Spam, surest).as_slice(), b" once more"].concat();
    model.learn(&copy, Class::Ham);
    let confirmed = score(&model, surest);
    assert!(confirmed < doubted - 1.0, "{before} {doubted} {confirmed}");
}

#[test]
fn a_flood_of_copies_does_not_push_out_the_rest() {
    let mut model = taught(300);
    for number in 0..2000 {
        let mut copy = mail(Class::Spam, 31);
        copy.extend_from_slice(format!("\r\nref {number}").as_bytes());
        model.learn(&copy, Class::Spam);
    }
    for number in 7000..7050 {
        assert!(model.score(&mail(Class::Spam, number)).is_spam());
        assert!(!model.score(&mail(Class::Ham, number)).is_spam());
    }
}

#[test]
fn contradictory_labels_leave_it_sane() {
    let mut model = taught(300);
    for round in 0..300 {
        let class = if round % 2 == 0 { Class::Ham } else { Class::Spam };
        model.learn(&mail(Class::Spam, 5), class);
    }
    for number in 8000..8050 {
        let judgement = model.score(&mail(Class::Ham, number));
        assert!(judgement.logit.is_finite() && !judgement.is_spam());
    }
    assert!(Model::from_bytes(&model.to_bytes()).is_ok());
}

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
