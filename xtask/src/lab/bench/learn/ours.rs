//! isbg's own learner as a filter over a stream. Does not read mail.

use std::convert::Infallible;

use isbg_classifier::evaluate::{Filter, Verdict};
use isbg_classifier::{Features, Model};
use isbg_types::Class;

/// A model that starts from nothing.
pub struct Ours<'a> {
    pub model: Model,
    /// Of the message judged last: it is often the one taught next.
    pub last: Option<(usize, Features)>,
    pub mail: &'a [Vec<u8>],
}

impl Filter for Ours<'_> {
    type Error = Infallible;

    fn judge(&mut self, number: usize) -> Result<Verdict, Infallible> {
        let features = self.model.features(&self.mail[number]);
        let judgement = self.model.score_features(&features);
        self.last = Some((number, features));
        Ok(Verdict {
            score: judgement.logit,
            spam: judgement.is_spam(),
            suspect: judgement.is_suspect(),
            ask: judgement.is_uncertain(),
        })
    }

    fn teach(&mut self, number: usize, class: Class) -> Result<(), Infallible> {
        let features = match self.last.take() {
            Some((judged, features)) if judged == number => features,
            _ => self.model.features(&self.mail[number]),
        };
        self.model.learn_features(features, class);
        Ok(())
    }
}
