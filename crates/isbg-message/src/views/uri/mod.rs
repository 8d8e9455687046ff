//! All URIs of a message: those of the text, those of HTML tags, those of DKIM signatures. Does not judge them.

mod canon;
mod numbers;
mod scan;

use std::collections::{HashMap, HashSet};

use super::html::links::URI_BYTES;
use super::{Html, Lines, Settings, Uri, Uris};

/// More URIs than this in one message are not looked at. SpamAssassin has no such limit.
const URIS: usize = 10_000;

/// Collects the URIs.
pub(crate) struct Collector<'s> {
    settings: &'s Settings,
    uris: Uris,
    index: HashMap<Vec<u8>, usize>,
}

impl<'s> Collector<'s> {
    pub(crate) fn new(settings: &'s Settings) -> Self {
        Self {
            settings,
            uris: Uris::default(),
            index: HashMap::new(),
        }
    }

    /// Those of the rendered body.
    pub(crate) fn text(&mut self, body: &Lines) {
        let mut seen = HashSet::new();
        for line in body.iter() {
            scan::each(line, &self.settings.tlds, &mut |found| {
                if seen.insert(found.text.clone())
                    && let Some((uri, types)) = scan::completed(found, &self.settings.tlds)
                {
                    self.add(&uri, types.iter().copied(), true);
                }
            });
        }
    }

    /// Those of an HTML part's tags.
    pub(crate) fn html(&mut self, html: &Html) {
        self.uris.truncated |= html.uri_truncated;
        for uri in &html.uris {
            let types: Vec<&str> = uri.types.iter().map(String::as_str).collect();
            // A link whose target was only found by resolving it is known by its text alone.
            let types = if types.is_empty() { vec!["parsed"] } else { types };
            if let Some(index) = self.add(&uri.raw, types.into_iter(), false) {
                let mut seen: HashSet<&[u8]> = HashSet::new();
                for text in &uri.anchor_text {
                    if seen.insert(text) {
                        self.uris.list[index].anchor_text.push(text.clone());
                    }
                }
            }
        }
    }

    /// Signing domains, known for their domain only.
    pub(crate) fn signature(&mut self, value: &[u8]) {
        for domain in signing_domains(value) {
            let uri = [b"domainkeys:", &domain[..]].concat();
            let forms = vec![uri.clone()];
            self.insert(
                &uri,
                forms,
                ["domainkeys", "nocanon", "noclean"].into_iter(),
                true,
            );
        }
    }

    fn add<'t>(
        &mut self,
        uri: &[u8],
        types: impl Iterator<Item = &'t str>,
        only_with_domain: bool,
    ) -> Option<usize> {
        let forms = canon::forms(uri, self.settings);
        self.insert(uri, forms, types, only_with_domain)
    }

    fn insert<'t>(
        &mut self,
        uri: &[u8],
        forms: Vec<Vec<u8>>,
        types: impl Iterator<Item = &'t str>,
        only_with_domain: bool,
    ) -> Option<usize> {
        let mut cleaned: Vec<Vec<u8>> = Vec::with_capacity(forms.len());
        let mut hosts: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for mut form in forms {
            self.uris.truncated |= form.len() > URI_BYTES;
            form.truncate(URI_BYTES);
            if let Some((domain, host)) = self.settings.tlds.of_uri(&form) {
                hosts.push((host, domain));
            }
            cleaned.push(form);
        }
        if cleaned.is_empty() || (only_with_domain && hosts.is_empty()) {
            return None;
        }
        let index = match self.index.get(uri) {
            Some(index) => *index,
            None if self.uris.list.len() >= URIS => return None,
            None => {
                self.uris.list.push(Uri {
                    raw: uri.to_vec(),
                    ..Uri::default()
                });
                self.index.insert(uri.to_vec(), self.uris.list.len() - 1);
                self.uris.list.len() - 1
            }
        };
        let entry = &mut self.uris.list[index];
        for kind in types {
            add_once(&mut entry.types, kind.to_owned());
        }
        if !entry.types.iter().any(|kind| kind == "noclean") {
            for form in cleaned {
                add_once(&mut entry.cleaned, form);
            }
        }
        for (host, domain) in hosts {
            add_once(&mut entry.domains, domain.clone());
            add_once(&mut entry.hosts, (host, domain));
        }
        Some(index)
    }

    pub(crate) fn finish(self) -> Uris {
        self.uris
    }
}

fn add_once<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// The `d=` tags of a DKIM-Signature value, blanks taken out.
fn signing_domains(value: &[u8]) -> Vec<Vec<u8>> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut domains = Vec::new();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'd', value.get(at..).unwrap_or_default()) {
        let tag = at + found;
        at = tag + 1;
        let rest = value[at..].trim_ascii_start();
        if (tag > 0 && is_word(&value[tag - 1])) || rest.first() != Some(&b'=') {
            continue;
        }
        let domain = rest[1..].split(|byte| *byte == b';').next().unwrap_or_default();
        at = value.len() - rest.len() + 1 + domain.len();
        let domain: Vec<u8> = domain
            .iter()
            .copied()
            .filter(|byte| !super::head::is_space(*byte))
            .collect();
        if !domain.is_empty() {
            domains.push(domain);
        }
    }
    domains
}
