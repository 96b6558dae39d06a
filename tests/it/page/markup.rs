//! A slow reader of markup, which knows what a report may be made of and nothing else.

use std::collections::BTreeSet;

const ELEMENTS: [&str; 43] = [
    "a", "article", "bdi", "body", "caption", "code", "dd", "desc", "details", "div", "dl", "dt",
    "g", "h1", "h2", "h3", "head", "header", "html", "li", "line", "meta", "nav", "ol", "p",
    "path", "polyline", "rect", "section", "span", "strong", "style", "summary", "svg", "table",
    "tbody", "td", "text", "th", "thead", "title", "tr", "ul",
];
const ATTRIBUTES: [&str; 48] = [
    "aria-hidden",
    "aria-label",
    "aria-labelledby",
    "charset",
    "class",
    "colspan",
    "content",
    "d",
    "data-l",
    "dy",
    "fill",
    "fill-rule",
    "font-family",
    "font-size",
    "height",
    "href",
    "http-equiv",
    "id",
    "lang",
    "name",
    "opacity",
    "points",
    "preserveaspectratio",
    "role",
    "scope",
    "stroke",
    "stroke-width",
    "tabindex",
    "text-anchor",
    "viewbox",
    "width",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
    "dx",
    "open",
    "font-weight",
    "transform",
    "stroke-linecap",
    "rx",
    "ry",
    "cx",
    "cy",
    "r",
    "span",
];

/// The start of an element.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Elements in their order, and the text between them as a reader sees it.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) tags: Vec<Tag>,
    pub(crate) text: String,
}

impl Document {
    pub(crate) fn parse(markup: &str) -> Self {
        let mut document = Self::default();
        let mut rest = markup;
        while let Some(at) = rest.find('<') {
            document.text.push_str(&unescape(&rest[..at]));
            let (inside, behind) = split_tag(&rest[at + 1..]);
            rest = behind;
            if inside.starts_with(['/', '!']) {
                // What stands apart in its line is still of the same sentence.
                document.text.push_str(if inside == "/bdi" { "" } else { "\n" });
                continue;
            }
            let tag = tag_of(inside);
            if tag.name == "style" {
                let end = rest.find("</style>").expect("an end of the style");
                rest = &rest[end..];
            }
            document.tags.push(tag);
        }
        document.text.push_str(&unescape(rest));
        document
    }

    pub(crate) fn ids(&self) -> Vec<&str> {
        self.tags.iter().filter_map(|tag| tag.get("id")).collect()
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.tags.iter().filter(|tag| tag.name == name).count()
    }

    /// Nothing is run, fetched or followed out of the page; what is linked is there, once.
    pub(crate) fn assert_harmless(&self, what: &str) {
        let ids = self.ids();
        let once: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), once.len(), "{what}: an id stands twice");
        for tag in &self.tags {
            assert!(ELEMENTS.contains(&tag.name.as_str()), "{what}: {tag:?}");
            for (name, value) in &tag.attributes {
                assert!(ATTRIBUTES.contains(&name.as_str()), "{what}: {tag:?}");
                let is_address = ["http:", "https:", "javascript:", "data:", "url("]
                    .iter()
                    .any(|scheme| value.to_lowercase().contains(scheme));
                assert!(!is_address, "{what}: {tag:?}");
            }
            if let Some(target) = tag.get("href") {
                let target = target.strip_prefix('#').unwrap_or_else(|| panic!("{what}: {tag:?}"));
                assert!(once.contains(target), "{what}: no place for #{target}");
            }
        }
    }
}

/// What stands up to the `>` that ends a tag, and what is behind.
fn split_tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, '>') => return (&text[..at], &text[at + 1..]),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    panic!("a tag without an end: {}", text.chars().take(80).collect::<String>());
}

fn tag_of(inside: &str) -> Tag {
    let inside = inside.trim_end_matches('/');
    let (name, mut rest) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..end].to_lowercase();
        rest = &rest[end..];
        let value = match rest.strip_prefix('=') {
            None => String::new(),
            Some(behind) => {
                let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''));
                let quote = quote.unwrap_or_else(|| panic!("a value without quotes: {inside}"));
                let (value, behind) = behind[1..].split_once(quote).expect("a second quote");
                rest = behind;
                unescape(value)
            }
        };
        attributes.push((name, value));
    }
    Tag { name: name.to_lowercase(), attributes }
}

fn unescape(text: &str) -> String {
    let known = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&nbsp;", " "), ("&#39;", "'")];
    let text = known.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}
