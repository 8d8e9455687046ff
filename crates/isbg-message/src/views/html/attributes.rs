//! What start tags tell in their attributes: links, sizes, fonts. Does not render text.

use super::links::{self, URI_BYTES, lax_value, value};
use super::tokens::Attribute;
use super::{Link, Renderer, tags};

/// When the URIs of a document are longer than this, all together, further ones are left out. SpamAssassin has no such limit.
const URIS_BYTES: usize = 4 * 1024 * 1024;

impl Renderer {
    fn uri(&mut self, uri: &str) -> usize {
        if let Some(index) = self.uri_index.get(uri) {
            return *index;
        }
        self.uri_bytes += uri.len();
        let index = self.links.len();
        self.links.push(Link {
            uri: uri.to_owned(),
            ..Link::default()
        });
        self.uri_index.insert(uri.to_owned(), index);
        index
    }

    fn trimmed_uri<'u>(&mut self, uri: &'u str) -> &'u str {
        let uri = links::trimmed(uri);
        match uri.char_indices().nth(URI_BYTES) {
            Some((end, _)) => {
                self.html.uri_truncated = true;
                &uri[..end]
            }
            None => uri,
        }
    }

    fn push_uri(&mut self, tag: &str, uri: &str) {
        let uri = self.trimmed_uri(uri);
        let scheme = uri.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let absolute =
            uri.contains(':') && matches!(scheme.as_str(), "data" | "mailto" | "file" | "cid" | "tel");
        let target = if absolute {
            uri.to_owned()
        } else {
            links::resolve(&self.base, uri)
        };
        if uri.is_empty() || target.is_empty() {
            return;
        }
        if self.uri_bytes > URIS_BYTES {
            self.html.uri_truncated = true;
            return;
        }
        let index = self.uri(&target);
        let types = &mut self.links[index].types;
        if !types.iter().any(|known| known == tag) {
            types.push(tag.to_owned());
        }
    }

    /// URIs of a start tag.
    pub(super) fn links(&mut self, tag: &str, attributes: &[Attribute<'_>]) {
        match tag {
            "body" | "table" | "tr" | "td" => {
                if let Some(uri) = value(attributes, "background") {
                    self.push_uri(tag, uri);
                }
            }
            "a" | "area" | "link" => {
                if let Some(uri) = lax_value(attributes, "href") {
                    self.push_uri(tag, &uri.replace('\u{feff}', ""));
                }
                if let Some(uri) = value(attributes, "data-saferedirecturl") {
                    self.push_uri(tag, uri);
                }
            }
            "img" | "frame" | "iframe" | "embed" | "script" | "bgsound" => {
                if let Some(uri) = lax_value(attributes, "src") {
                    self.push_uri(tag, uri);
                }
            }
            "form" => {
                if let Some(uri) = value(attributes, "action") {
                    self.push_uri(tag, uri);
                }
            }
            "base" => {
                if let Some(uri) = value(attributes, "href").filter(|uri| !matches!(*uri, "" | "0")) {
                    let uri = self.trimmed_uri(uri).to_owned();
                    self.push_uri(tag, &uri);
                    if let Some(base) = links::base(&uri) {
                        self.base = base;
                    }
                }
            }
            "meta" => {
                let refreshes = value(attributes, "http-equiv")
                    .is_some_and(|kind| kind.to_ascii_lowercase().contains("refresh"));
                if let Some(uri) = value(attributes, "content")
                    .filter(|_| refreshes)
                    .and_then(links::refresh)
                {
                    self.push_uri(tag, uri);
                }
            }
            _ => {}
        }
    }

    /// Facts in a start tag that rules ask for.
    pub(super) fn tests(&mut self, tag: &str, attributes: &[Attribute<'_>]) {
        match tag {
            "font" => {
                self.html.font_face_bad |=
                    value(attributes, "face").is_some_and(|face| !tags::is_good_face(face));
            }
            "img" => {
                if self.is_inside("a") {
                    self.anchor_text("<img>\n");
                }
                let size = (value(attributes, "width"), value(attributes, "height"));
                if let (Some(width), Some(height)) = size {
                    self.html.image_area += tags::pixels(width, 8.0) * tags::pixels(height, 6.0);
                }
            }
            "form" => {
                self.html.form_action_mailto |=
                    value(attributes, "action").is_some_and(|to| to.to_ascii_lowercase().contains("mailto:"));
            }
            "object" | "embed" => self.html.embeds = true,
            "a" => {
                let href = lax_value(attributes, "href")
                    .unwrap_or_default()
                    .replace('\u{feff}', "");
                let href = self.trimmed_uri(&href).to_owned();
                self.anchor = self.uri(&href);
                self.links[self.anchor].anchor_text.push(String::new());
                self.anchors.push(String::new());
            }
            "title" => self.titles.push(String::new()),
            _ => {}
        }
    }
}
