//! Learning, unlearning, corrections and doubt. Knows nothing of the model's bytes.

use isbg_classifier::{Lesson, Model};
use isbg_types::Class;

use crate::mails::*;

#[test]
fn learns_and_tells_apart() {
    let model = taught(270);
    for number in 1000..1100 {
        let spam = model.score(&mail(Class::Spam, number));
        let ham = model.score(&mail(Class::Ham, number));
        assert!(spam.probability > 0.95 && spam.is_spam(), "{spam:?}");
        assert!(ham.probability < 0.05 && !ham.is_spam(), "{ham:?}");
        assert!(spam.points() > 1.0 && ham.points() < -1.0);
        // 180 ham are too few to decide alone.
        assert!(spam.points() <= 1.5);
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
