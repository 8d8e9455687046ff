//! What the native scorer learns, how it lasts, and what hostile lessons, cut files and other processes do to it. The
//! rules are ours; the model's home is a block of bytes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking"
)]

mod shelf;

use isbg_classifier::Model;
use isbg_engine::{Consequence, People, Scorer, Senders, Taught, UnknownKind, Wish, consequence};
use isbg_types::{Class, Score};

use shelf::{Shelf, learned, mail, names, score, scorer, teach};

#[tokio::test]
async fn lessons_change_verdicts_and_last() {
    let shelf = Shelf::default();
    let scorer = learned(shelf.memory());
    let before = score(&scorer, Class::Spam, 1000).await;
    assert!(before.learned.is_none() && before.verdict.hits.is_empty());
    assert_eq!(shelf.bytes(), None, "judging begins no model");

    teach(&scorer, Class::Spam, 0..15).await;
    assert!(
        score(&scorer, Class::Spam, 1000).await.learned.is_none(),
        "one class is no knowledge"
    );
    teach(&scorer, Class::Ham, 0..250).await;
    let young = score(&scorer, Class::Spam, 1000).await;
    assert_eq!(
        young.verdict.score,
        Score(1_500),
        "capped before 20 spam are known"
    );
    teach(&scorer, Class::Spam, 15..120).await;
    assert_eq!(
        *shelf.changes.lock().unwrap(),
        1,
        "the model was begun, and no lesson is saved alone"
    );
    scorer.settle().await.unwrap();
    scorer.settle().await.unwrap();
    assert_eq!(
        *shelf.changes.lock().unwrap(),
        2,
        "there was nothing to save the second time"
    );

    let other_run = learned(shelf.memory());
    for scorer in [&scorer, &other_run] {
        let spam = score(scorer, Class::Spam, 1000).await;
        let learned = spam.learned.as_ref().unwrap();
        assert!(
            learned.probability > 0.99 && learned.points > Score(2_500),
            "{learned:?}"
        );
        assert_eq!(spam.verdict.score, learned.points);
        assert_eq!(names(&spam)[0], "BAYES_99", "{:?}", spam.verdict.hits);
        assert_eq!(spam.verdict.hits[0].score, Some(learned.points));
        let why = spam.verdict.hits[0].description.as_deref().unwrap();
        assert!(why.starts_with("Learned from 250 ham and 120 spam: 9"), "{why}");
        assert!(!learned.explanation.as_ref().unwrap().views.is_empty());
        let ham = score(scorer, Class::Ham, 1000).await;
        assert!(
            ham.verdict.score < Score(-2_000) && names(&ham) == ["BAYES_00"],
            "{ham:?}"
        );
    }
    let again = other_run
        .teach(&mail(Class::Spam, 3).into(), Class::Spam)
        .await
        .unwrap();
    assert_eq!(again, Taught::AlreadyKnown);
}

#[tokio::test]
async fn rules_and_lessons_add_up() {
    let memory = Shelf::default().memory();
    for number in 0..250 {
        memory.learn(&mail(Class::Ham, number), Class::Ham).unwrap();
        memory.learn(&mail(Class::Spam, number), Class::Spam).unwrap();
    }
    let scorer = learned(memory);
    let mut spam = mail(Class::Spam, 1000);
    spam.extend_from_slice(b"Cheap pills!\r\n");
    let scored = scorer.score(&spam.into(), Wish::Report).await.unwrap();
    let points = scored.learned.unwrap().points;
    assert_eq!(scored.verdict.score, Score(3_800) + points);
    assert!(scored.verdict.spam);
    let report = scored.rewritten.unwrap().prefix(usize::MAX).unwrap();
    assert!(String::from_utf8_lossy(&report).contains("BAYES_99"));
}

#[tokio::test]
async fn no_lesson_of_two_trainers_is_lost() {
    let shelf = Shelf::default();
    let (one, two) = (learned(shelf.memory()), learned(shelf.memory()));
    // Both found no model, and both begin one.
    teach(&one, Class::Spam, 0..30).await;
    teach(&two, Class::Ham, 0..40).await;
    one.settle().await.unwrap();
    two.settle().await.unwrap();
    teach(&one, Class::Ham, 100..110).await;
    teach(&two, Class::Ham, 105..115).await;
    two.settle().await.unwrap();
    one.settle().await.unwrap();
    let model = shelf.model();
    assert_eq!(
        [Class::Ham, Class::Spam].map(|class| model.labels(class)),
        [55, 30]
    );
    // The one that saved last goes on with what both know.
    let known = one
        .teach(&mail(Class::Ham, 112).into(), Class::Ham)
        .await
        .unwrap();
    assert_eq!(known, Taught::AlreadyKnown);
}

#[tokio::test]
async fn what_another_process_taught_is_taken_over() {
    let shelf = Shelf::default();
    let long_running = learned(shelf.memory());
    assert!(score(&long_running, Class::Spam, 1000).await.learned.is_none());
    let other = learned(shelf.memory());
    teach(&other, Class::Spam, 0..30).await;
    teach(&other, Class::Ham, 0..30).await;
    assert!(score(&long_running, Class::Spam, 1000).await.learned.is_none());
    other.settle().await.unwrap();
    let learned = score(&long_running, Class::Spam, 1000).await.learned.unwrap();
    assert!(learned.probability > 0.9, "{learned:?}");
    shelf.bytes.lock().unwrap().take();
    assert!(score(&long_running, Class::Spam, 1000).await.learned.is_none());
}

#[tokio::test]
async fn back_and_forth() {
    let shelf = Shelf::default();
    let scorer = learned(shelf.memory());
    teach(&scorer, Class::Spam, 0..60).await;
    teach(&scorer, Class::Ham, 0..60).await;
    let mistaken = mail(Class::Ham, 7);
    let before = score(&scorer, Class::Ham, 1000)
        .await
        .learned
        .unwrap()
        .probability;
    for class in [Class::Spam, Class::Ham, Class::Spam, Class::Ham] {
        let taught = scorer.teach(&mistaken.clone().into(), class).await.unwrap();
        assert_eq!(taught, Taught::Learned);
    }
    scorer.settle().await.unwrap();
    let model = shelf.model();
    assert_eq!(
        [Class::Ham, Class::Spam].map(|class| model.labels(class)),
        [60, 60]
    );
    let after = score(&scorer, Class::Ham, 1000)
        .await
        .learned
        .unwrap()
        .probability;
    assert!((before - after).abs() < 0.05, "{before} {after}");
}

#[tokio::test]
async fn a_model_that_cannot_be_used_is_left_alone() {
    let shelf = Shelf::default();
    let memory = shelf.memory();
    memory.learn(&mail(Class::Ham, 1), Class::Ham).unwrap();
    memory.learn(&mail(Class::Spam, 1), Class::Spam).unwrap();
    memory.save().unwrap();
    let saved = shelf.bytes().unwrap();
    let cut = saved[..saved.len() / 2].to_vec();
    let mut newer = saved.clone();
    newer[8] = 200;
    for (bytes, word) in [
        (cut, "cut"),
        (newer, "layout 200"),
        (b"Subject: mail\n\n".to_vec(), "not a model"),
    ] {
        let shelf = Shelf::with(bytes.clone());
        let scorer = learned(shelf.memory());
        let mut spam = mail(Class::Spam, 1);
        spam.extend_from_slice(b"Cheap pills!\r\n");
        let scored = scorer.score(&spam.clone().into(), Wish::Verdict).await.unwrap();
        assert_eq!((scored.verdict.score, scored.learned), (Score(3_800), None));
        let remarks = scorer.remarks();
        assert!(
            remarks.len() == 1 && remarks[0].contains("by the rules alone") && remarks[0].contains(word),
            "{remarks:?}"
        );
        let why = scorer.teach(&spam.into(), Class::Spam).await.unwrap_err();
        assert!(
            why.detail.contains("the shelf") && why.detail.contains(word),
            "{why}"
        );
        assert_eq!(
            consequence(&scorer, &why).await,
            Consequence::SetAside,
            "judging goes on"
        );
        scorer.settle().await.unwrap();
        assert_eq!(shelf.bytes().unwrap(), bytes);
    }
}

#[tokio::test]
async fn what_is_not_saved_is_not_settled() {
    let shelf = Shelf::default();
    let scorer = learned(shelf.memory());
    teach(&scorer, Class::Spam, 0..3).await;
    // Somebody takes the model away meanwhile.
    let begun = shelf.bytes.lock().unwrap().take();
    let why = scorer.settle().await.unwrap_err();
    assert!(
        why.kind == UnknownKind::Outage && why.detail.contains("has disappeared"),
        "{why}"
    );
    assert_eq!(shelf.bytes(), None);
    *shelf.bytes.lock().unwrap() = begun;
    scorer.settle().await.unwrap();
    assert_eq!(shelf.model().labels(Class::Spam), 3);
    // Or puts another in its place: features of one mean nothing to the other.
    teach(&scorer, Class::Spam, 3..5).await;
    let other = Model::new([9; 16]).to_bytes();
    *shelf.bytes.lock().unwrap() = Some(other.clone());
    assert!(scorer.settle().await.unwrap_err().detail.contains("was replaced"));
    assert_eq!(shelf.bytes().unwrap(), other);
}

/// A spammer who knows some of the user's words, and one who sends the same thing a thousand times.
#[tokio::test]
async fn padding_and_floods() {
    let memory = Shelf::default().memory();
    for number in 0..300 {
        memory.learn(&mail(Class::Ham, number), Class::Ham).unwrap();
        memory.learn(&mail(Class::Spam, number), Class::Spam).unwrap();
    }
    let scorer = learned(memory);
    let mut padded = mail(Class::Spam, 1000);
    padded.extend_from_slice(
        "the minutes of the meeting are attached and a room is booked for Monday \r\n"
            .repeat(40)
            .as_bytes(),
    );
    let scored = scorer.score(&padded.into(), Wish::Verdict).await.unwrap();
    assert!(scored.learned.as_ref().unwrap().probability > 0.5, "{scored:?}");
    for number in 0..1000 {
        let flood = [mail(Class::Spam, 5), format!("{number}\r\n").into_bytes()].concat();
        scorer.teach(&flood.into(), Class::Spam).await.unwrap();
    }
    let ham = score(&scorer, Class::Ham, 1000).await.learned.unwrap();
    let other_spam = score(&scorer, Class::Spam, 1001).await.learned.unwrap();
    assert!(
        ham.probability < 0.1 && other_spam.probability > 0.9,
        "{ham:?} {other_spam:?}"
    );
}

#[tokio::test]
async fn people_count_when_they_are_who_they_say() {
    let memory = Shelf::default().memory();
    for number in 0..300 {
        memory.learn(&mail(Class::Ham, number), Class::Ham).unwrap();
        memory.learn(&mail(Class::Spam, number), Class::Spam).unwrap();
    }
    let people = People {
        known: ["offers0@winners.example".to_owned()].into(),
        welcome: Senders::read(["offers1@winners.example"]).unwrap(),
        block: Senders::read(["*@example.org"]).unwrap(),
        authserv_id: Some("mx.example.net".to_owned()),
    };
    let scorer = scorer(Some(memory), people);
    let with = async |number: u32, results: &str| {
        let field = format!("Authentication-Results: mx.example.net; {results}\r\n");
        let mail = [field.into_bytes(), mail(Class::Spam, number)].concat();
        scorer.score(&mail.into(), Wish::Verdict).await.unwrap()
    };
    let pass = "dmarc=pass header.from=winners.example";
    let stranger = with(1003, pass).await;
    assert!(stranger.verdict.score > Score(3_000), "{stranger:?}");
    let welcome = with(1002, pass).await;
    assert!(names(&welcome).contains(&"ISBG_WELCOME_SENDER") && welcome.verdict.score < Score(-90_000));
    let known = with(1001, pass).await;
    assert!(
        names(&known).contains(&"ISBG_KNOWN_SENDER") && known.verdict.score <= Score(0),
        "{known:?}"
    );
    let forged = with(1001, "dmarc=fail header.from=winners.example").await;
    assert!(
        names(&forged).contains(&"ISBG_UNPROVEN_SENDER") && forged.verdict.score > Score(3_500),
        "{forged:?}"
    );
    let blocked = scorer
        .score(&mail(Class::Ham, 1).into(), Wish::Verdict)
        .await
        .unwrap();
    assert!(blocked.verdict.spam && names(&blocked).contains(&"ISBG_BLOCKED_SENDER"));
}
