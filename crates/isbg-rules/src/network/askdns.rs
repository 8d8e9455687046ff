//! `askdns` rules: a name made from a template and what is under it. Does not know lists.

use isbg_types::auth::SignatureState;
use isbg_types::dns::{Heard, Inquiry, Kind, Question};

use super::subtest::{Subtest, kind};
use super::{Board, Context, names};

/// A template with several values makes no more questions than this.
const MOST_QUESTIONS: usize = 32;

/// What a template's tag stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tag {
    SenderDomain,
    AuthorDomain,
    DkimDomain,
    DkimIdentity,
    DkimSelector,
    LastExternalIp,
    LastExternalReverseIp,
    LastExternalRdns,
    LastExternalHelo,
    UriHosts,
    UriDomains,
    /// A header selector.
    Header(String),
}

impl Tag {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "SENDERDOMAIN" => Self::SenderDomain,
            "AUTHORDOMAIN" => Self::AuthorDomain,
            "DKIMDOMAIN" => Self::DkimDomain,
            "DKIMIDENTITY" => Self::DkimIdentity,
            "DKIMSELECTOR" => Self::DkimSelector,
            "LASTEXTERNALIP" => Self::LastExternalIp,
            "LASTEXTERNALREVIP" => Self::LastExternalReverseIp,
            "LASTEXTERNALRDNS" => Self::LastExternalRdns,
            "LASTEXTERNALHELO" => Self::LastExternalHelo,
            "URIHOSTS" => Self::UriHosts,
            "URIDOMAINS" => Self::UriDomains,
            _ => Self::Header(name.strip_prefix("HEADER(")?.strip_suffix(')')?.to_owned()),
        })
    }
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Tag(Tag),
}

#[derive(Debug)]
struct Rule {
    rule: usize,
    template: Vec<Piece>,
    kind: Kind,
    subtest: Option<Subtest>,
}

/// All rules of this kind.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

impl Rules {
    /// Adds a rule: `TEMPLATE [TYPE [SUBTEST]]`.
    ///
    /// # Errors
    /// If it cannot be asked here.
    pub fn add(&mut self, rule: usize, arguments: &str) -> Result<(), String> {
        let mut rest = arguments.trim();
        let mut word = || {
            let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            rest = after.trim_start();
            word
        };
        let (template, name) = (word(), word());
        let kind = match name {
            "" => Kind::A,
            name => kind(name).ok_or_else(|| format!("records of type {name} are not asked for here"))?,
        };
        let subtest = (!rest.is_empty())
            .then(|| Subtest::of_question(rest))
            .transpose()?;
        self.0.push(Rule {
            rule,
            template: pieces(template)?,
            kind,
            subtest,
        });
        Ok(())
    }

    /// The selectors that templates name.
    pub fn selectors(&self) -> impl Iterator<Item = String> {
        let pieces = self.0.iter().flat_map(|rule| &rule.template);
        pieces.filter_map(|piece| match piece {
            Piece::Tag(Tag::Header(selector)) => Some(selector.clone()),
            _ => None,
        })
    }

    /// Whether any depends on the message's signatures.
    pub fn reads_signatures(&self) -> bool {
        let signed = |tag: &Tag| matches!(tag, Tag::DkimDomain | Tag::DkimIdentity | Tag::DkimSelector);
        let mut pieces = self.0.iter().flat_map(|rule| &rule.template);
        pieces.any(|piece| matches!(piece, Piece::Tag(tag) if signed(tag)))
    }

    /// Asks what is to be asked, and notes what hits.
    pub fn evaluate(&self, context: &Context<'_>, inquiry: &mut Inquiry<'_>, board: &mut Board) {
        for rule in &self.0 {
            let Some(questions) = rule.questions(context) else {
                board.not_known(rule.rule);
                continue;
            };
            for question in questions {
                match inquiry.ask(question) {
                    Heard::Reply(reply) => {
                        let hit = match &rule.subtest {
                            Some(Subtest::Exists(wanted)) => wanted.contains(&reply.exists),
                            Some(subtest) => reply.records.iter().any(|record| subtest.holds(record)),
                            None => !reply.records.is_empty(),
                        };
                        if hit {
                            board.hit(rule.rule);
                        }
                    }
                    Heard::Silence | Heard::Waiting => board.not_known(rule.rule),
                    Heard::Denied => {}
                }
            }
        }
    }
}

/// Splits a template at its tags: capital letters, digits and underscores between underscores, also `HEADER(…)`.
fn pieces(template: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('_') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        match tag_len(rest) {
            Some(len) => {
                let name = &rest[1..len - 1];
                let tag = Tag::parse(name).ok_or_else(|| format!("the tag _{name}_ has no value here"))?;
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Tag(tag));
                rest = &rest[len..];
            }
            None => {
                text.push('_');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    pieces.push(Piece::Text(text));
    Ok(pieces)
}

/// The length of the tag at the start, its underscores included. Within a name no underscore follows another.
fn tag_len(text: &str) -> Option<usize> {
    let inner = &text[1..];
    if let Some(rest) = inner.strip_prefix("HEADER(") {
        return rest.find(")_").map(|at| 1 + "HEADER(".len() + at + ")_".len());
    }
    let word = |text: &str| {
        let part = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        text.bytes().take_while(|b| part(b)).count()
    };
    let (mut end, mut closed) = (word(inner), None);
    // The longest name that an underscore follows.
    while inner[end..].starts_with('_') {
        closed = Some(end);
        match word(&inner[end + 1..]) {
            0 => break,
            length => end += 1 + length,
        }
    }
    let end = closed?;
    inner
        .starts_with(|c: char| c.is_ascii_uppercase())
        .then_some(end + 2)
}

impl Rule {
    /// What is to be asked; nothing if a tag has no value. `None` if that is not known.
    fn questions(&self, context: &Context<'_>) -> Option<Vec<Question>> {
        let mut made = vec![String::new()];
        let mut used: Vec<(&Tag, Vec<String>)> = Vec::new();
        for piece in &self.template {
            match piece {
                Piece::Text(text) => made.iter_mut().for_each(|name| name.push_str(text)),
                Piece::Tag(tag) => {
                    if !used.iter().any(|(known, _)| *known == tag) {
                        used.push((tag, values(tag, context)?));
                    }
                    let values = used
                        .iter()
                        .find(|(known, _)| *known == tag)
                        .map(|(_, values)| values)?;
                    made = made
                        .iter()
                        .flat_map(|name| values.iter().map(move |value| format!("{name}{value}")))
                        .take(MOST_QUESTIONS)
                        .collect();
                }
            }
        }
        let valid = made.iter().filter(|name| context.has_host_form(name));
        Some(valid.filter_map(|name| Question::new(name, self.kind)).collect())
    }
}

fn values(tag: &Tag, context: &Context<'_>) -> Option<Vec<String>> {
    let subject = context.subject;
    let hop = subject.last_external.as_ref();
    let ip = hop.and_then(|hop| hop.ip);
    let texts = |selector: &str| {
        subject
            .values(selector)
            .iter()
            .filter_map(|text| names::text(text.as_bytes()))
    };
    let found: Vec<String> = match tag {
        Tag::SenderDomain => texts("EnvelopeFrom:first:addr:host").take(1).collect(),
        Tag::AuthorDomain => texts("From:addr:host").collect(),
        Tag::DkimDomain => signed(context, |signature| &signature.domain)?,
        Tag::DkimIdentity => signed(context, |signature| &signature.identity)?,
        Tag::DkimSelector => signed(context, |signature| &signature.selector)?,
        Tag::LastExternalIp => ip.map(|ip| ip.to_string()).into_iter().collect(),
        Tag::LastExternalReverseIp => ip.map(names::reversed).into_iter().collect(),
        Tag::LastExternalRdns => hop.map(|hop| hop.rdns.clone()).into_iter().collect(),
        Tag::LastExternalHelo => hop.map(|hop| hop.helo.clone()).into_iter().collect(),
        Tag::UriHosts => subject.hosts.iter().map(|(host, _)| host.clone()).collect(),
        Tag::UriDomains => subject.hosts.iter().map(|(_, domain)| domain.clone()).collect(),
        // A whole field ends with a line end, which is in no name.
        Tag::Header(selector) if !selector.contains(':') => Vec::new(),
        Tag::Header(selector) => texts(selector).collect(),
    };
    Some(names::unique(found.into_iter().filter(|value| !value.is_empty())))
}

/// What is taken of each valid signature. `None` while there is none and one may still turn out to be valid.
fn signed(
    context: &Context<'_>,
    take: impl Fn(&isbg_types::auth::Signature) -> &String,
) -> Option<Vec<String>> {
    let signatures = context.authentication.signatures.as_ref()?;
    let is = |state| move |signature: &&isbg_types::auth::Signature| signature.state == state;
    let valid: Vec<String> = signatures
        .iter()
        .filter(is(SignatureState::Pass))
        .map(|s| take(s).clone())
        .collect();
    let doubtful = signatures
        .iter()
        .any(|signature| signature.state == SignatureState::Unknown);
    (!valid.is_empty() || !doubtful).then_some(valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        let shape = |template: &str| {
            let pieces = pieces(template).ok()?;
            let spell = |piece: &Piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Tag(tag) => format!("<{tag:?}>"),
            };
            Some(pieces.iter().map(spell).collect::<String>())
        };
        for (template, wanted) in [
            (
                "_AUTHORDOMAIN_.list.example.",
                Some("<AuthorDomain>.list.example."),
            ),
            ("_dmarc._AUTHORDOMAIN_", Some("_dmarc.<AuthorDomain>")),
            ("_DKIMDOMAIN_._vouch.example", Some("<DkimDomain>._vouch.example")),
            (
                "_DKIMSELECTOR__SENDERDOMAIN_",
                Some("<DkimSelector><SenderDomain>"),
            ),
            (
                "_HEADER(Reply-To:addr:domain)_.x",
                Some("<Header(\"Reply-To:addr:domain\")>.x"),
            ),
            ("plain.example", Some("plain.example")),
            ("_NOBODY_.example", None),
        ] {
            assert_eq!(shape(template).as_deref(), wanted, "{template}");
        }
    }
}
